import { ApiProblem } from './errors/problem.ts';

/** @throws ApiProblem `unsupportedMediaType` for a body of another type. */
export function refuseOtherType(header: string | undefined, wanted: string): void {
  const type = header?.split(';')[0]?.trim().toLowerCase();
  if (type === wanted) return;
  throw new ApiProblem('unsupportedMediaType', `Content-Type is ${type ? `not ${wanted}` : 'missing'}`);
}
