/** Least squares with a pull of each coefficient towards zero, by its normal equations. */

export class LinearModel {
  private readonly size: number;
  private readonly matrix: Float64Array;
  private readonly right: Float64Array;
  /** Null until it is solved. */
  private solution: Float64Array | null = null;

  /** @param pulls how strongly each coefficient is held at zero, in the squares of its feature */
  constructor(pulls: readonly number[]) {
    this.size = pulls.length;
    this.matrix = new Float64Array(this.size * this.size);
    this.right = new Float64Array(this.size);
    pulls.forEach((pull, i) => {
      this.matrix[i * this.size + i] = pull;
    });
  }

  add(features: Float64Array, value: number): void {
    const { size, matrix, right } = this;
    for (let i = 0; i < size; i += 1) {
      const feature = features[i] ?? 0;
      right[i] = (right[i] ?? 0) + feature * value;
      for (let j = 0; j <= i; j += 1)
        matrix[i * size + j] = (matrix[i * size + j] ?? 0) + feature * (features[j] ?? 0);
    }
  }

  predict(features: Float64Array): number {
    this.solution ??= this.solve();
    let sum = 0;
    for (let i = 0; i < this.size; i += 1) sum += (this.solution[i] ?? 0) * (features[i] ?? 0);
    return sum;
  }

  /** Cholesky; a feature without any weight of its own gets none. */
  private solve(): Float64Array {
    const { size, matrix } = this;
    const lower = Float64Array.from(matrix);
    const cell = (i: number, j: number): number => lower[i * size + j] ?? 0;
    const dot = (i: number, j: number, end: number): number => {
      let sum = 0;
      for (let k = 0; k < end; k += 1) sum += cell(i, k) * cell(j, k);
      return sum;
    };
    for (let j = 0; j < size; j += 1) {
      const rest = cell(j, j) - dot(j, j, j);
      const root = rest > 1e-12 * (matrix[j * size + j] ?? 0) ? Math.sqrt(rest) : Number.POSITIVE_INFINITY;
      for (let i = j + 1; i < size; i += 1) lower[i * size + j] = (cell(i, j) - dot(i, j, j)) / root;
      lower[j * size + j] = root;
    }
    const solution = Float64Array.from(this.right);
    for (let i = 0; i < size; i += 1) {
      let rest = solution[i] ?? 0;
      for (let k = 0; k < i; k += 1) rest -= cell(i, k) * (solution[k] ?? 0);
      solution[i] = rest / cell(i, i);
    }
    for (let i = size - 1; i >= 0; i -= 1) {
      let rest = solution[i] ?? 0;
      for (let k = i + 1; k < size; k += 1) rest -= cell(k, i) * (solution[k] ?? 0);
      solution[i] = rest / cell(i, i);
    }
    return solution;
  }
}
