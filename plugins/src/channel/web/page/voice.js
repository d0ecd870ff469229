// A recording as a WAV file of 16 kHz, one channel: every browser can make it of what its recorder gives, and everybody an
// agent may sit at can play it.
const RATE = 16000;

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder && window.OfflineAudioContext);

export class Recording {
  /** Asks for the microphone; rejects where it is refused. */
  static async start() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
    return new Recording(stream);
  }

  constructor(stream) {
    this.stream = stream; this.parts = []; this.startedAt = performance.now();
    this.recorder = new MediaRecorder(stream);
    this.recorder.addEventListener('dataavailable', (event) => this.parts.push(event.data));
    this.recorder.start();
  }

  get seconds() { return (performance.now() - this.startedAt) / 1000; }

  discard() { this.recorder.stop(); this.stream.getTracks().forEach((track) => track.stop()); }

  /** The recording: a WAV file and its length. */
  async finish() {
    const stopped = new Promise((resolve) => this.recorder.addEventListener('stop', resolve, { once: true }));
    this.discard();
    await stopped;
    const bytes = await new Blob(this.parts, { type: this.recorder.mimeType }).arrayBuffer();
    const context = new AudioContext();
    const sound = await context.decodeAudioData(bytes).finally(() => context.close());
    const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(sound.duration * RATE)), RATE);
    const source = offline.createBufferSource();
    source.buffer = sound; source.connect(offline.destination); source.start();
    const samples = (await offline.startRendering()).getChannelData(0);
    return { file: new File([wav(samples)], 'voice.wav', { type: 'audio/wav' }), seconds: Math.max(1, Math.round(sound.duration)) };
  }
}

function wav(samples) {
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at, words) => [...words].forEach((letter, index) => bytes.setUint8(at + index, letter.charCodeAt(0)));
  text(0, 'RIFF'); bytes.setUint32(4, 36 + samples.length * 2, true); text(8, 'WAVEfmt ');
  bytes.setUint32(16, 16, true); bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true);
  bytes.setUint32(24, RATE, true); bytes.setUint32(28, RATE * 2, true); bytes.setUint16(32, 2, true); bytes.setUint16(34, 16, true);
  text(36, 'data'); bytes.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, index) => bytes.setInt16(44 + index * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return bytes.buffer;
}
