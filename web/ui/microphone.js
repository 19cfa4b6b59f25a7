import { Problem } from '../core/problems.js';

/**
 * One mono 48 kHz track as the microphone gives it. The browser's own noise suppression and gain
 * control stay off: they would eat the speech before the server's denoiser hears it.
 * @param {{echoCancellation: boolean}} wishes
 * @returns {Promise<MediaStream>}
 */
export async function openMicrophone({ echoCancellation }) {
  if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new Problem('insecure_origin');
  return navigator.mediaDevices.getUserMedia({
    audio: {
      echoCancellation,
      noiseSuppression: false,
      autoGainControl: false,
      channelCount: 1,
      sampleRate: 48_000,
    },
  });
}
