import { meterFraction } from '../core/format.js';

const COLUMN_PX = 6;
const COLUMNS_PER_SECOND = 14;
/** Two minutes at the widest: more than any screen shows. */
const MOST_COLUMNS = 640;

/**
 * The last seconds of a stream as a moving ribbon: the microphone pale behind, what friends hear in
 * front of it. What lies between the two is the noise that was taken out.
 */
export class Ribbon {
  #canvas;
  #reduced = matchMedia('(prefers-reduced-motion: reduce)');
  /** @type {{input: number, output: number}[]} newest last */
  #columns = [];
  #next = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  clear() {
    this.#columns = [];
    this.#draw();
  }

  /**
   * @param {number} inputDb
   * @param {number} outputDb
   * @param {number} nowMs
   */
  push(inputDb, outputDb, nowMs) {
    if (nowMs < this.#next || this.#reduced.matches) return;
    this.#next = nowMs + 1000 / COLUMNS_PER_SECOND;
    this.#columns.push({ input: meterFraction(inputDb), output: meterFraction(outputDb) });
    if (this.#columns.length > MOST_COLUMNS) this.#columns.shift();
    this.#draw();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const pen = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    const style = getComputedStyle(this.#canvas);
    pen.scale(scale, scale);
    const count = Math.ceil(width / COLUMN_PX);
    for (let back = 0; back < count; back++) {
      const column = this.#columns[this.#columns.length - 1 - back] ?? { input: 0, output: 0 };
      const x = width - (back + 1) * COLUMN_PX;
      pen.fillStyle = style.getPropertyValue('--ribbon-noise');
      bar(pen, x, height, column.input);
      pen.fillStyle = style.getPropertyValue('--ribbon-voice');
      bar(pen, x, height, column.output);
    }
  }
}

/**
 * One column, mirrored about the middle; silence is a dot.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} height
 * @param {number} fraction
 */
function bar(pen, x, height, fraction) {
  const thick = COLUMN_PX - 3;
  const tall = Math.max(thick, fraction * height);
  pen.beginPath();
  pen.roundRect(x, (height - tall) / 2, thick, tall, thick / 2);
  pen.fill();
}
