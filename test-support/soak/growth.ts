/** Whether a row of measurements grows. Pure. */

export interface Growth {
  mean: number;
  /** Slope of the least squares line. */
  perHour: number;
  /** What the line rises between the first measurement and the last, and that as a share of the mean. */
  inWindow: number;
  inWindowShare: number;
  /** Null where nothing is promised. */
  flat: boolean | null;
}

/** How much a row may rise over the measured window and count as flat: the larger of the two. */
export interface Tolerance {
  /** Of the mean. */
  share: number;
  absolute: number;
}

/** The trend of values that were measured at these seconds. */
export function growthOf(points: readonly { seconds: number; value: number }[], tolerance: Tolerance | null): Growth {
  if (points.length < 3) throw new Error(`${points.length} measurements say nothing about a trend`);
  const meanSeconds = meanOf(points.map(({ seconds }) => seconds));
  const mean = meanOf(points.map(({ value }) => value));
  let [covariance, variance] = [0, 0];
  for (const { seconds, value } of points) {
    covariance += (seconds - meanSeconds) * (value - mean);
    variance += (seconds - meanSeconds) ** 2;
  }
  const perSecond = variance === 0 ? 0 : covariance / variance;
  const inWindow = perSecond * (points.at(-1)!.seconds - points[0]!.seconds);
  return {
    mean: rounded(mean),
    perHour: rounded(perSecond * 3600),
    inWindow: rounded(inWindow),
    inWindowShare: mean === 0 ? 0 : Math.round((inWindow / mean) * 1000) / 1000,
    flat: tolerance === null ? null : inWindow <= Math.max(tolerance.share * mean, tolerance.absolute),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
