/**
 * Everything that can go wrong, told in words that a person understands.
 * @typedef {'name_bad'|'insecure_origin'|'microphone_missing'|'microphone_refused'|'microphone_busy'|
 *   'microphone_failed'|'already_streaming'|'server_gone'|'server_refused'|'not_streaming'|'unknown_name'|
 *   'connection_failed'|'stream_lost'|'taken_over'|'microphone_lost'} ProblemKind
 */

/** @type {Record<ProblemKind, string>} */
const SENTENCES = {
  name_bad: 'This name cannot be used.',
  insecure_origin:
    'The browser gives the microphone only to secure pages. Open this page over https, or on the server itself as http://localhost.',
  microphone_missing: 'No microphone was found. Plug one in and try again.',
  microphone_refused:
    'The browser was not allowed to use the microphone. Allow it in the address bar or in the site settings, then try again.',
  microphone_busy: 'Another program holds the microphone. Close it there and try again.',
  microphone_failed: 'The microphone could not be opened.',
  microphone_lost: 'The microphone was unplugged or taken away, so the stream ended. What was heard is saved.',
  already_streaming: 'You are already streaming under this name, in another tab or on another device.',
  server_gone: 'The server cannot be reached. Check your connection, or whether the server is running.',
  server_refused: 'The server refused.',
  not_streaming: 'The stream has ended.',
  unknown_name: 'Nobody of this name is streaming.',
  connection_failed:
    'No sound could be sent to the server. A firewall may block UDP between this browser and the server.',
  stream_lost: 'The connection was lost for too long and the stream ended. What was heard until then is saved.',
  taken_over: 'The stream was taken over by another tab or device.',
};

export class Problem extends Error {
  /**
   * @param {ProblemKind} kind
   * @param {{detail?: string, status?: number}} [more] detail: the server's own sentence
   */
  constructor(kind, { detail = '', status = 0 } = {}) {
    super(kind === 'server_refused' && detail ? detail : SENTENCES[kind]);
    this.name = 'Problem';
    this.kind = kind;
    this.detail = detail;
    this.status = status;
  }
}

/** @type {Record<string, ProblemKind>} by the names of DOMExceptions that getUserMedia throws */
const MICROPHONE_ERRORS = {
  NotFoundError: 'microphone_missing',
  OverconstrainedError: 'microphone_missing',
  NotAllowedError: 'microphone_refused',
  SecurityError: 'microphone_refused',
  NotReadableError: 'microphone_busy',
  AbortError: 'microphone_busy',
};

/** @param {unknown} error what getUserMedia rejected with */
export function microphoneProblem(error) {
  if (error instanceof Problem) return error;
  const { name = '', message = '' } = error instanceof Error || error ? /** @type {any} */ (error) : {};
  return new Problem(MICROPHONE_ERRORS[name] ?? 'microphone_failed', { detail: message });
}

/** Any error as a Problem; what nobody foresaw counts as a failed connection. @param {unknown} error */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  return new Problem('connection_failed', { detail: String(error) });
}
