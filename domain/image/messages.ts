/** Updates of the workflow of a family: a Temporal CLI may send anything, so each part is looked at. */
import { fieldsOf, isRecord } from '../untrusted.ts';
import { IMAGE_ORIGINS, type FailedImage, type ImageBeginning, type ImageRecord } from './state.ts';

/** Argument of the update `imageFailed`. */
export type ImageFailure = Omit<FailedImage, 'at'>;

const MAX_DETAIL_CHARACTERS = 500;

export function isImageRecord(value: unknown): value is ImageRecord {
  if (!isRecord(value)) return false;
  const { name, host, sizeBytes, createdAt, spec, sealed, signature, requestHash, createdBy, origin } = value;
  const texts = [value['imageId'], value['machineId'], value['vm'], value['provider'], value['queue']];
  return (
    texts.every((text) => typeof text === 'string' && text !== '') &&
    [name, host, sealed, signature, requestHash, createdBy].every(
      (text) => text === null || typeof text === 'string',
    ) &&
    (sizeBytes === null || Number.isSafeInteger(sizeBytes)) &&
    isTime(createdAt) &&
    isRecord(spec) &&
    IMAGE_ORIGINS.some((one) => one === origin)
  );
}

/** The message, or undefined where it is none. */
export function imageBeginningOf(value: unknown): ImageBeginning | undefined {
  const { imageId, machineId, vm, provider, queue } = fieldsOf(value);
  const texts = [imageId, machineId, vm, provider, queue];
  if (!texts.every((text): text is string => typeof text === 'string' && text !== '')) return undefined;
  return { imageId, machineId, vm, provider, queue } as ImageBeginning;
}

/** The message, or undefined where it is none; a long detail is cut off. */
export function imageFailureOf(value: unknown): ImageFailure | undefined {
  if (!isRecord(value)) return undefined;
  const { imageId, vm, detail, left } = value;
  const origin = IMAGE_ORIGINS.find((one) => one === value['origin']);
  if (typeof imageId !== 'string' || typeof vm !== 'string' || typeof detail !== 'string') return undefined;
  if (origin === undefined) return undefined;
  const said = { imageId, vm, origin, detail: detail.slice(0, MAX_DETAIL_CHARACTERS) };
  return left === true ? { ...said, left } : said;
}

/** Ids of the images that are to go, or undefined where it is no message. */
export function imageIdsOf(value: unknown): string[] | undefined {
  const ids = isRecord(value) ? value['imageIds'] : undefined;
  return Array.isArray(ids) && ids.every((id) => typeof id === 'string') ? ids : undefined;
}

/** Argument of `takeImage`: the name of the VM that is to begin, and what names its start. */
export interface TakeImage {
  vm: string;
  token: string;
}

/** The message, or undefined where it is none. */
export function takeImageOf(value: unknown): TakeImage | undefined {
  const { vm, token } = fieldsOf(value);
  if (typeof vm !== 'string' || !isToken(token)) return undefined;
  return { vm, token };
}

/** What names a start, or undefined where it is no message. */
export function releasedTokenOf(value: unknown): string | undefined {
  const { token } = fieldsOf(value);
  return isToken(token) ? token : undefined;
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 64;
}

/** Epoch ms that can be written as a date: what cannot would fail whatever shows it. */
function isTime(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}
