// What the page itself says: Chinese, or English where the browser is not Chinese.
const zh = {
  close: '关闭', earlier: '查看更早的消息', send: '发送', attach: '发送图片或文件', record: '录音', discard: '取消', finish: '发送语音',
  placeholder: '请输入您的问题', recalled: '对方撤回了一条消息', typing: '对方正在输入', you: '我', bot: '智能助手', sending: '发送中…', uploading: '上传中…', sent: '已发送',
  again: '重试', connecting: '正在连接…', ready: '直接发消息即可咨询', offline: '连接已断开，正在重连…', resting: '已暂停，继续即可恢复', full: '当前咨询人数较多，请稍候…',
  assisted: '智能助手为您服务', queued: '排队中', position: (n) => `排队中，您在第 ${n} 位`, assigned: (name) => `${name} 为您服务`,
  resolved: '会话已结束，发消息可再次咨询', lost: (what) => `${what} 已失效`, voice: '语音消息', picture: '图片', file: '文件', place: '位置',
  too_fast: '发送太快了，稍后会自动发出', too_long: '消息太长了', malformed: '消息无法发送', ticket: '文件已失效，请重新上传', busy: '服务繁忙，稍后会自动发出',
  upload_type: '不支持这种文件', upload_size: (size) => `文件不能超过 ${size}`, upload_failed: '上传失败', upload_fast: '上传太频繁，请稍后再试',
  microphone: '无法使用麦克风，请检查权限', bytes: (n) => n < 1e6 ? `${Math.ceil(n / 1000)} KB` : `${(n / 1e6).toFixed(1)} MB`,
};
const en = {
  close: 'Close', earlier: 'Earlier messages', send: 'Send', attach: 'Send a picture or file', record: 'Record', discard: 'Discard', finish: 'Send recording',
  placeholder: 'How can we help?', recalled: 'A message was taken back', typing: 'Somebody is writing', you: 'You', bot: 'Assistant', sending: 'Sending…', uploading: 'Uploading…', sent: 'Sent',
  again: 'Try again', connecting: 'Connecting…', ready: 'Just write to us', offline: 'Connection lost, coming back…', resting: 'Resting; go on to come back', full: 'We are busy right now, please wait…',
  assisted: 'The assistant is with you', queued: 'In the queue', position: (n) => `Number ${n} in the queue`, assigned: (name) => `${name} is with you`,
  resolved: 'Closed; write to start again', lost: (what) => `${what} is no longer available`, voice: 'Voice message', picture: 'Picture', file: 'File', place: 'Place',
  too_fast: 'Too fast; it goes out in a moment', too_long: 'That is too long', malformed: 'That cannot be sent', ticket: 'The file has expired, please upload it again', busy: 'Busy; it goes out in a moment',
  upload_type: 'This kind of file is not taken', upload_size: (size) => `Files may have ${size} at most`, upload_failed: 'The upload failed', upload_fast: 'Too many uploads, please wait a moment',
  microphone: 'The microphone cannot be used; please check its permission', bytes: (n) => n < 1e6 ? `${Math.ceil(n / 1000)} KB` : `${(n / 1e6).toFixed(1)} MB`,
};
const asked = new URLSearchParams(location.search).get('lang') ?? navigator.language ?? 'zh';
export const language = asked.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
export const words = language === 'en' ? en : zh;
