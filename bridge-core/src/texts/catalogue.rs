//! Every text: its key in `[texts]`, its Chinese and its English words.

use super::Locale;

macro_rules! texts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $zh:literal, $en:literal;)*) => {
        /// Every text people may read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Text {
            $($(#[$doc])* $variant,)*
        }

        impl Text {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its key in `[texts]`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The built-in words.
            pub const fn words(self, locale: Locale) -> &'static str {
                match (self, locale) {
                    $((Self::$variant, Locale::Zh) => $zh, (Self::$variant, Locale::En) => $en,)*
                }
            }
        }
    };
}

texts! {
    /// To a contact who follows the account.
    Welcome = "welcome", "您好，欢迎关注！直接发消息就可以咨询，回复“转人工”可联系人工客服。",
        "Hello and welcome! Just write to ask anything; reply \"agent\" to reach a person.";
    /// To a contact who opened the chat and may be greeted.
    Greeting = "greeting", "您好，请直接描述您的问题；回复“转人工”可联系人工客服。",
        "Hello! Just write what we can do for you; reply \"agent\" to reach a person.";
    /// To a contact who now waits for an agent.
    Queued = "queued", "正在为您转接人工客服，排在您前面的有 {ahead} 位，请稍候。",
        "We are finding someone for you. People ahead of you: {ahead}. Please wait a moment.";
    /// To a waiting contact whose position changed, or who asks.
    QueuePosition = "queue_position", "您当前排在第 {position} 位{estimate}，感谢您的耐心等待。",
        "You are number {position} in the queue{estimate}. Thank you for waiting.";
    /// Put in `{estimate}` when a wait can be estimated.
    QueueEstimate = "queue_estimate", "，预计等待约 {minutes} 分钟", ", about {minutes} minutes";
    /// To a contact who leaves the queue.
    LeftQueue = "left_queue", "已为您取消排队，您可以继续向智能助手提问。",
        "You have left the queue. You can go on asking the assistant.";
    /// To a contact an agent has taken.
    Connected = "connected", "客服 {agent} 为您服务。", "{agent} is with you now.";
    /// To a contact whose agent handed over to another.
    Transferred = "transferred", "已为您转接客服 {agent}，请继续描述您的问题。",
        "You have been handed over to {agent}. Please go on.";
    /// To a contact when the assistant takes over again.
    BackToAssistant = "back_to_assistant", "接下来由智能助手为您服务，回复“转人工”可再次联系人工客服。",
        "The assistant is with you now. Reply \"agent\" to reach a person again.";
    /// To a contact outside working hours.
    OutOfHours = "out_of_hours", "当前是非工作时间，人工客服暂时不在线。您可以留言，我们上班后会尽快回复您。",
        "We are outside working hours and nobody is online. Leave a message and we will answer as soon as we are back.";
    /// To a contact when no agent can be found at all.
    NobodyThere = "nobody_there", "抱歉，暂时没有可以接待您的人工客服，请稍后回复“转人工”再试。",
        "Sorry, nobody can take your conversation right now. Please reply \"agent\" again in a while.";
    /// To a contact whose conversation an agent ended.
    Closed = "closed", "本次服务已结束，感谢您的咨询。如有其他问题，可随时发消息。",
        "This conversation is closed. Thank you. Write again any time.";
    /// To a contact whose conversation ended for silence.
    ClosedIdle = "closed_idle", "由于长时间没有新消息，本次服务已自动结束。有需要随时再联系我们。",
        "As nothing was said for a while, this conversation is closed. Write again any time.";
    /// Before the choices of the rating.
    RatingHead = "rating_head", "请为本次服务打分：", "How did we do?";
    /// The choices of the rating, best first, parted by `|`.
    RatingChoices = "rating_choices", "非常满意|满意|一般|不满意|非常不满意", "Great|Good|So-so|Bad|Terrible";
    /// After the choices of the rating.
    RatingTail = "rating_tail", "点选一项即可，谢谢！", "Just tap one. Thank you!";
    /// To a contact who rated.
    RatingThanks = "rating_thanks", "感谢您的评价！", "Thank you for rating us!";
    /// To a contact when the assistant has failed and no person is to be had.
    AssistantFailed = "assistant_failed", "抱歉，智能助手暂时无法回答，正在为您联系人工客服。",
        "Sorry, the assistant cannot answer right now. We are finding a person for you.";
    /// To a contact when the assistant has failed and is all there is.
    AssistantSorry = "assistant_sorry", "抱歉，我暂时无法回答这个问题，请稍后再试。",
        "Sorry, I cannot answer that right now. Please try again in a while.";
    /// To a contact whose message cannot be handled at all.
    CannotHandle = "cannot_handle", "抱歉，您的消息暂时无法处理，已记录并会由人工跟进。",
        "Sorry, your message could not be handled. It is recorded and a person will look at it.";

    /// To an agent who gets a conversation: the head of the card.
    DeskNew = "desk_new", "【新会话】客户：{contact}（编号 {number}）\n来自：{inbox}{note}", "[New conversation] {contact} (no. {number})\nfrom {inbox}{note}";
    /// To an agent who gets a conversation: where else this contact writes.
    DeskKin = "desk_kin", "同一客户的其他渠道：{threads}", "The same person elsewhere: {threads}";
    /// One thread of a contact, in lists of them.
    DeskThread = "desk_thread", "{contact}（编号 {number}，{inbox}）", "{contact} (no. {number}, {inbox})";
    /// Parts threads in lists of them.
    DeskAnd = "desk_and", "、", ", ";
    /// To an agent before the last messages.
    DeskContext = "desk_context", "—— 最近 {count} 条消息 ——", "-- last {count} messages --";
    /// To an agent after the last messages.
    DeskContextEnd = "desk_context_end", "—— 以上为历史消息，发送 #帮助 查看可用命令 ——", "-- end of history; #help lists the commands --";
    /// To an agent who handed over.
    DeskHandedOver = "desk_handed_over", "✓ 已转接给 {agent}。", "✓ Handed over to {agent}.";
    /// To an agent whose contact now waits for somebody.
    DeskQueued = "desk_queued", "ℹ 暂无空闲客服，客户已进入排队；有人空闲时自动分配。",
        "ℹ Nobody is free; the contact waits in the queue and is given to whoever is free first.";
    /// To an agent whose contact goes back to the assistant.
    DeskAssisted = "desk_assisted", "✓ 已转回智能助手。", "✓ Handed back to the assistant.";
    /// To an agent whose conversation is over.
    DeskClosed = "desk_closed", "✓ 会话已结束。", "✓ The conversation is closed.";
    /// To an agent whose contact left.
    DeskContactLeft = "desk_contact_left", "ℹ 客户已结束会话。", "ℹ The contact has ended the conversation.";
    /// To an agent: the platform took a message, and says later that it could not be delivered.
    DeskReported = "desk_reported", "⚠ 平台报告有一条消息未送达：{reason}", "⚠ The platform reports that a message was not delivered: {reason}";
    /// To an agent: somebody whom we do not know as an agent answers the contact in the platform's own client.
    DeskTaken = "desk_taken", "⚠ {account} 已在平台的客户端中接待该客户，您的消息可能无法送达。",
        "⚠ {account} answers the contact in the platform's own client; your messages may not arrive.";
    /// To an agent: what somebody whom we do not know as an agent said to the contact there.
    DeskAnswered = "desk_answered", "⚠ {account} 在平台的客户端中回复了客户：“{excerpt}”",
        "⚠ {account} said to the contact in the platform's own client: \"{excerpt}\"";
    /// To an agent whose message could not be delivered.
    DeskUndelivered = "desk_undelivered", "⚠ 未送达：“{excerpt}”\n原因：{reason}", "⚠ Not delivered: \"{excerpt}\"\nWhy: {reason}";
    /// To an agent whose message is tried again until the operator has mended the account.
    DeskTriedAgain = "desk_tried_again", "⚠ 暂时无法送达，请联系管理员，修复后会自动送出：“{excerpt}”\n原因：{reason}",
        "⚠ Cannot be delivered for now. Tell the administrator; it goes out once this is mended: \"{excerpt}\"\nWhy: {reason}";
    /// To an agent whose message waits behind others that the operator must help.
    DeskBlocked = "desk_blocked", "⏳ 还不能送达，共 {count} 条消息在等待，修复后按顺序自动送出。\n原因：{reason}",
        "⏳ Still cannot be delivered: {count} messages wait and go out in order once this is mended.\nWhy: {reason}";
    /// To an agent whose messages waited for the operator.
    DeskUnblocked = "desk_unblocked", "✓ 已恢复送达，等待中的 {count} 条消息正按顺序送出。", "✓ Delivery works again: the {count} waiting message(s) go out in order.";
    /// To an agent whose held messages go out, because the contact has written.
    DeskReleased = "desk_released", "▶ 客户已发言，等待中的 {count} 条消息正在送出。", "▶ The contact has written: the {count} held message(s) go out.";
    /// To an agent whose message waits for the contact to write again.
    DeskHeld = "desk_held", "⏸ 客户的回复额度已用完，这条消息会在客户下次发言后自动送出：“{excerpt}”",
        "⏸ The allowance to write to this contact is used up; this goes out when they write again: \"{excerpt}\"";
    /// To an agent whose contact is away and was told by a subscription message that somebody has written.
    DeskNudged = "desk_nudged", "📣 客户不在会话中，已用订阅消息提醒（还可提醒 {left} 次）。",
        "📣 The contact is away; a subscription message tells them ({left} more allowed).";
    /// To an agent: such a message did not arrive.
    DeskNudgeFailed = "desk_nudge_failed", "⚠ 订阅消息提醒未送达：{reason}", "⚠ The subscription message did not arrive: {reason}";
    /// Noted: such a message arrived.
    DeskNudgeArrived = "desk_nudge_arrived", "订阅消息提醒已送达客户。", "The subscription message reached the contact.";
    /// To an agent whose contact tapped such a message.
    DeskNudgeOpened = "desk_nudge_opened", "ℹ 客户点开了订阅消息提醒。", "ℹ The contact opened the subscription message.";
    /// To an agent: what the page the contact came from says.
    DeskOrigin = "desk_origin", "ℹ 客户进入会话时：{origin}", "ℹ The contact came from: {origin}";
    /// To an agent when the allowance gets low.
    DeskAllowance = "desk_allowance", "ℹ 还能给该客户发 {left} 条消息，客户再次发言后恢复。",
        "ℹ You can send {left} more message(s) until the contact writes again.";
    /// To an agent whose taken-back message was delivered already.
    DeskRecallLate = "desk_recall_late", "⚠ 该消息已送达客户，无法撤回；如有不妥，请再发一条说明。",
        "⚠ That message has reached the contact and cannot be taken back; write another to set it right.";
    /// To an agent who takes back a message that goes out in one with others.
    DeskRecallMerged = "desk_recall_merged", "该消息已与其他待发消息合并，无法单独撤回。", "That message goes out in one with others and cannot be taken back alone.";
    /// To an agent whose taken-back message had not left yet.
    DeskRecalled = "desk_recalled", "✓ 消息尚未送出，已撤回。", "✓ That message had not left yet; it is taken back.";
    /// To an agent who cannot be shown what a contact sent.
    DeskNotShown = "desk_not_shown", "⚠ 客户的一条消息无法在这里显示，请让客户换一种方式再发，或联系管理员查看记录。", "⚠ Something from this contact cannot be shown here. Ask them to send it another way, or an administrator to look it up.";
    /// To an agent whose taken-back message is shown as such on the visitor's page.
    DeskRecalledShown = "desk_recalled_shown", "✓ 已撤回，访客页面上显示为“对方撤回了一条消息”。", "✓ Taken back; the visitor's page says so.";
    /// To an agent whose contact took a message back.
    DeskContactRecalled = "desk_contact_recalled", "ℹ 客户撤回了一条消息。", "ℹ The contact took a message back.";
    /// To an agent who sends an item by a name that there is not.
    DeskUnknownItem = "desk_unknown_item", "⚠ 没有名为“{name}”的素材，消息未发送。可用的素材：\n{items}", "⚠ There is no item called \"{name}\". There are:\n{items}";
    /// To an agent who sends an item that belongs to another account than the contact's.
    DeskItemElsewhere = "desk_item_elsewhere", "⚠ 素材“{name}”属于 {inbox}，无法发给这位客户。",
        "⚠ The item \"{name}\" belongs to {inbox}; it cannot be sent to this contact.";
    /// To an agent who asks which items there are.
    DeskItems = "desk_items", "可用的素材（#发送 -i 名称）：\n{items}", "Items to send (#send -i NAME):\n{items}";
    /// To an agent who asks for items where there are none.
    DeskNoItems = "desk_no_items", "还没有配置素材，请联系管理员添加。", "No items are configured.";
    /// To an agent who writes where nobody listens.
    DeskNotYours = "desk_not_yours", "⚠ 该会话当前不由您接待，消息未发送给客户。",
        "⚠ This conversation is not with you; nothing was sent to the contact.";
    /// To an agent who commands where the conversation is somebody else's.
    CommandNotYours = "command_not_yours", "⚠ 该会话当前不由您接待，命令未执行。",
        "⚠ This conversation is not with you; the command was not carried out.";
    /// To an agent who writes in a chat without a contact behind it.
    DeskNoContact = "desk_no_contact", "⚠ 这个聊天没有对应的客户，消息未发送。请在客户的聊天里回复。",
        "⚠ There is no contact behind this chat; nothing was sent. Answer in a contact's chat.";
    /// To an agent whose contact unfollowed.
    DeskUnfollowed = "desk_unfollowed", "ℹ 客户已取消关注，消息将无法送达。", "ℹ The contact no longer follows the account; nothing can be delivered.";
    /// Noted: a customer added a member of the company's.
    NoteAdded = "note_added", "客户添加了成员 {member} 为联系人。", "The customer added {member} as a contact.";
    /// To an agent: something happened that is worth knowing.
    DeskFact = "desk_fact", "ℹ {fact}", "ℹ {fact}";
    /// To an agent: what the contact sent cannot be shown.
    DeskUnsupported = "desk_unsupported", "[客户发送了暂不支持的内容：{what}] {summary}", "[The contact sent something unsupported: {what}] {summary}";

    /// To an agent who has all contacts in one chat: the head of the card with a new one.
    LinesNew = "lines_new", "新会话：{line}", "New conversation: {line}";
    /// Under the buttons of that card.
    LinesNewTail = "lines_new_tail", "发送“@{number} 内容”回复这位客户，“#{number}”切换到这位客户。",
        "Send \"@{number} words\" to answer, \"#{number}\" to turn to this contact.";
    /// The button that turns to the contact.
    LinesButtonOpen = "lines_button_open", "回复客户", "Answer";
    /// The button that hands over.
    LinesButtonTransfer = "lines_button_transfer", "转接", "Hand over";
    /// The button that gives the contact to the assistant.
    LinesButtonAssist = "lines_button_assist", "交给AI", "To the AI";
    /// The button that ends the conversation.
    LinesButtonQuit = "lines_button_quit", "结束会话", "Close";
    /// To an agent who turned to a contact.
    LinesOpen = "lines_open", "现在与【{line}】对话。", "You are talking to 【{line}】 now.";
    /// To an agent who said for whom the words were that waited.
    LinesSent = "lines_sent", "已发给【{line}】。", "Sent to 【{line}】.";
    /// To an agent who names nobody where another contact was heard last.
    LinesWhich = "lines_which", "这条消息发给哪位客户？“{excerpt}”", "For whom is this? \"{excerpt}\"";
    /// Under the choices of that question.
    LinesWhichTail = "lines_which_tail", "点按钮或回复编号；也可以直接发送“@编号 内容”，发送 #取消 放弃。",
        "Tap one or reply with the number; \"@number words\" says it at once, #cancel forgets it.";
    /// To an agent while words wait for a name.
    LinesKept = "lines_kept", "有 {count} 条消息等您选择客户：回复编号发送，#取消 放弃。",
        "{count} message(s) wait for you to say for whom: reply with a number, or #cancel.";
    /// To an agent when no more words are kept.
    LinesKeptFull = "lines_kept_full", "等待选择客户的消息太多，这一条没有保留。请先回复编号，或发送 #取消。",
        "Too many messages wait already; this one was not kept. Reply with a number first, or send #cancel.";
    /// To an agent whose waiting words are not sent.
    LinesDropped = "lines_dropped", "有 {count} 条消息没有发出。", "{count} message(s) were not sent.";
    /// Who is on which line.
    LinesList = "lines_list", "接待中的客户：\n{lines}\n“@编号 内容”回复，“#编号”切换。", "Your contacts:\n{lines}\n\"@number words\" answers, \"#number\" turns to one.";
    /// To an agent who names a line that is not.
    LinesUnknown = "lines_unknown", "没有 {number} 号客户。", "There is no contact {number}.";
    /// To an agent without contacts.
    LinesNone = "lines_none", "您当前没有接待中的客户。", "No contact is with you now.";
    /// To an agent who taps a button of a conversation that is not theirs any more.
    LinesGone = "lines_gone", "⚠ 该会话已不由您接待。", "⚠ That conversation is not with you any more.";
    /// On the buttons of a card whose conversation is not the agent's any more.
    LinesCardOver = "lines_card_over", "已不由您接待", "Not with you any more";
    /// On the buttons of the question for whom something is, once that is known.
    LinesCardAnswered = "lines_card_answered", "已选择", "Answered";
    /// On the same where nothing was sent.
    LinesCardDropped = "lines_card_dropped", "未发送", "Not sent";
    /// To an agent who begins work.
    LinesOnDuty = "lines_on_duty", "已上线，新的会话会分配给您。", "You are online; new conversations come to you.";
    /// To an agent who stops work.
    LinesOffDuty = "lines_off_duty", "已下线，不再分配新的会话；接待中的会话仍由您处理。", "You are offline; no new conversations come to you, those you have stay.";

    /// A command that does not exist.
    CommandUnknown = "command_unknown", "没有“{name}”这个命令。{nearest}发送 #帮助 查看全部命令；要把以 # 开头的内容发给客户，请以 ## 开头。",
        "There is no command \"{name}\". {nearest}Send #help for all commands, or begin with ## to send a # as it is.";
    /// Put in `{nearest}`.
    CommandNearest = "command_nearest", "您是不是想输入：{names}？", "Did you mean {names}? ";
    /// A command with wrong options.
    CommandUsage = "command_usage", "{wrong}\n用法：{usage}", "{wrong}\nUsage: {usage}";
    /// A command the sender may not use.
    CommandRefused = "command_refused", "您没有使用“{name}”命令的权限，发送 #帮助 查看可用的命令。",
        "You may not use \"{name}\"; #help lists what you may.";
    /// A command with a quote that is never closed.
    CommandOpenQuote = "command_open_quote", "引号没有成对，请补上右引号；内容本身含引号时，用另一种引号括起来。",
        "A quote is never closed. Close it, or put words that contain one in the other kind of quotes.";
    /// A command that is too long.
    CommandTooLong = "command_too_long", "命令太长了，最多 {limit} 个字。", "That command is too long; {limit} characters at most.";
    /// An option that the command does not have.
    WrongOption = "wrong_option", "没有 {option} 这个选项。{nearest}", "There is no option {option}. {nearest}";
    /// More words than the command takes.
    WrongSurplus = "wrong_surplus", "多出了“{word}”；含空格的内容请用引号括起来。", "\"{word}\" is one word too many; put words with spaces in quotes.";
    /// Something required is missing.
    WrongMissing = "wrong_missing", "缺少 {what}。", "{what} is missing.";
    /// An option without its value.
    WrongEmpty = "wrong_empty", "{option} 后面要写上内容。", "{option} needs a value after it.";
    /// A value that is not one of the choices.
    WrongChoice = "wrong_choice", "{option} 不能是“{value}”，可以是：{choices}。", "{option} cannot be \"{value}\"; it can be: {choices}.";
    /// A value that cannot be read; `{why}` begins with a colon or is empty.
    WrongValue = "wrong_value", "{option} 的内容“{value}”不正确{why}。", "\"{value}\" is not right for {option}{why}.";
    /// Put in `{why}` where a number is expected.
    WhyNumber = "why_number", "：应为数字", ": a number is expected";
    /// Put in `{why}` where a number is out of range.
    WhyRange = "why_range", "：应在 {range} 之间", ": it must be within {range}";
    /// An option given twice.
    WrongTwice = "wrong_twice", "{option} 只能写一次。", "{option} can be given once only.";
    /// Two options that exclude one another.
    WrongTogether = "wrong_together", "{option} 不能和 {other} 一起用。", "{option} cannot be used together with {other}.";
    /// Any other fault.
    WrongSomehow = "wrong_somehow", "命令的写法不对。", "That is not how this command is written.";
    /// The commands somebody may use.
    HelpList = "help_list", "可用命令：\n{commands}\n发送“#命令 --help”查看用法；要把以 # 开头的内容发给客户，请以 ## 开头。",
        "Commands:\n{commands}\nSend \"#command --help\" for its usage; begin with ## to send a # as it is.";
    /// A command's usage.
    HelpUsage = "help_usage", "用法：{usage}", "Usage: {usage}";

    /// To a contact who writes faster than can be answered.
    TooFast = "too_fast", "您的消息发送得太快了，请稍等片刻再发。",
        "You are writing faster than we can answer. Please wait a moment and send it again.";
    /// To a contact whose message holds a sensitive word.
    Sensitive = "sensitive", "您的消息包含不适宜的内容，未能处理，请修改后再发。",
        "Your message contains words we cannot handle. Please change it and send it again.";
    /// To an agent whose message holds a sensitive word.
    DeskSensitive = "desk_sensitive", "消息含有敏感词“{word}”，未发送给客户。", "\"{word}\" is a sensitive word; nothing was sent to the contact.";
    /// To an agent who sends nothing.
    NothingToSend = "nothing_to_send", "请写上要发送的内容。", "Say what to send.";
    /// To an agent who asks for the queue of a conversation that does not wait.
    DeskQueueLength = "desk_queue_length", "当前有 {waiting} 位客户在排队。", "Contacts waiting now: {waiting}.";
    /// To an agent who asks for the position of a waiting contact.
    DeskQueuePosition = "desk_queue_position", "该客户排在第 {position} 位{estimate}，共 {waiting} 位在排队。",
        "This contact is number {position} of {waiting} in the queue{estimate}.";
    /// To a contact who asks for their position and does not wait.
    NotWaiting = "not_waiting", "您当前没有在排队。回复“转人工”可联系人工客服。", "You are not in the queue. Reply \"agent\" to reach a person.";
    /// To a contact who leaves where there is nothing to leave.
    NothingToLeave = "nothing_to_leave", "您当前没有在排队，也没有人工客服在接待，直接发消息即可继续咨询。",
        "You are neither in the queue nor with a person; just go on writing.";

    /// Note: contacts are one person; `{by}`: who or what says so.
    NoteMerged = "note_merged", "识别为同一客户（{by}）：{threads}", "One person ({by}): {threads}";
    /// Note: a contact is another person after all.
    NoteSplit = "note_split", "已由 {by} 拆分：{thread} 不再与 {threads} 合并", "Split by {by}: {thread} is no longer one person with {threads}";
    /// Merge: it is done.
    Merged = "merged", "已合并为同一客户：{threads}\n会话仍在各自的渠道上；发送 #拆分 可以撤销。",
        "Merged into one person: {threads}\nEach conversation stays on its channel; #split undoes it.";
    /// Merge, without saying with whom: whom the contact is merged with.
    MergedWith = "merged_with", "该客户：{threads}", "This contact: {threads}";
    /// Merge and split, without saying whom: there is nobody.
    NotMerged = "not_merged", "该客户（编号 {number}）没有与其他渠道合并。用法：#合并 -c 对方的编号、手机号、UnionID 或平台账号",
        "This contact (no. {number}) is not merged with any other. Usage: #merge -c number, phone number, unionid or platform account";
    /// Merge: they are one person already.
    MergedAlready = "merged_already", "他们已经是同一客户：{threads}", "They are one person already: {threads}";
    /// Merge and split: nobody is meant by that.
    ContactUnknown = "contact_unknown", "没有找到客户“{who}”，未做改动。可以写编号、手机号、UnionID 或平台账号。",
        "No contact is \"{who}\"; nothing was changed. Give a number, a phone number, a unionid or a platform account.";
    /// Merge: several people are meant by that.
    ContactsSeveral = "contacts_several", "“{who}”对应不止一位客户，请写编号：{threads}", "\"{who}\" is more than one person; give a number: {threads}";
    /// Merge: a person would have more threads than anybody has.
    MergedTooMany = "merged_too_many", "合并后的渠道太多（上限 {most}），未做改动。", "That would be too many threads for one person ({most} at most); nothing was changed.";
    /// Split: that one is not merged with this contact.
    SplitStranger = "split_stranger", "“{who}”没有与该客户合并，未做改动。", "\"{who}\" is not merged with this contact; nothing was changed.";
    /// Split: it is done.
    SplitDone = "split_done", "已拆分：{thread} 不再与 {threads} 合并，各自的会话、评价和专属客服都保持原样。自动识别不会再合并它。",
        "Split: {thread} is no longer one person with {threads}. Conversations, ratings and dedicated agents stay what they were. It will not be merged again by itself.";
    /// Merge: a phone number was noted and nobody else has it.
    HandleNoted = "handle_noted", "已记下{kind}，暂时没有其他客户使用它。", "Noted ({kind}); no other contact is known by it.";
    /// Merge: that is no phone number.
    PhoneWrong = "phone_wrong", "“{phone}”不是有效的手机号，未做改动。", "\"{phone}\" is not a phone number; nothing was changed.";

    /// Transfer: no agent of that name.
    AgentUnknown = "agent_unknown", "没有名为“{name}”的客服，会话未转接。{nearest}", "There is no agent \"{name}\"; nothing was changed. {nearest}";
    /// Put in `{nearest}` of an unknown agent.
    AgentNearest = "agent_nearest", "您是不是想找：{names}？", "Did you mean {names}?";
    /// Transfer: the agent who was named lacks the skill that was asked for.
    AgentLacksSkill = "agent_lacks_skill", "客服 {agent} 没有“{skill}”技能，会话未转接。", "{agent} does not have the skill \"{skill}\"; nothing was changed.";
    /// Transfer: all seats taken.
    AgentFull = "agent_full", "客服 {agent} 的接待数已满，会话未转接。可换一位，或只发 #转接 由系统分配。",
        "{agent} has no free seat; nothing was changed. Name somebody else, or send #transfer alone.";
    /// Transfer: offline.
    AgentOffline = "agent_offline", "客服 {agent} 当前不在线，会话未转接。可换一位，或只发 #转接 由系统分配。",
        "{agent} is offline; nothing was changed. Name somebody else, or send #transfer alone.";
    /// Transfer: outside their hours.
    AgentOffDuty = "agent_off_duty", "客服 {agent} 当前不在班，会话未转接。可换一位，或只发 #转接 由系统分配。",
        "{agent} is off duty; nothing was changed. Name somebody else, or send #transfer alone.";
    /// Transfer: to oneself.
    AgentSame = "agent_same", "会话已经由 {agent} 接待。", "{agent} has this conversation already.";
    /// A skill that nobody has.
    SkillUnknown = "skill_unknown", "没有掌握“{skill}”技能的客服，会话未转接。", "Nobody has the skill \"{skill}\"; nothing was changed.";
    /// A move that is not possible now.
    NotPossible = "not_possible", "当前状态下无法执行该操作。", "That is not possible right now.";
    /// A bot that failed inline.
    BotFailed = "bot_failed", "命令执行失败，请稍后再试。", "The command failed. Please try again later.";
}
