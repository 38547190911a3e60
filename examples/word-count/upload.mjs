/** Reads the one file of a form, with limits on everything that a stranger can make long. */
import { Busboy } from '@fastify/busboy';
import { Counts, NoText } from './count.mjs';

/** A request that is refused, with its status and a sentence for whoever sent it. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const FIELD = 'file';

/** The counts of the text file in a form. Rejects with a {@link Refusal}; the file is never kept. */
export function countUpload(request, maxBytes) {
  const type = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    request.resume();
    return Promise.reject(
      new Refusal(415, 'notAForm', `Send a form (multipart/form-data) with a file in its field "${FIELD}".`),
    );
  }
  return new Promise((resolve, reject) => {
    let form;
    try {
      form = new Busboy({
        headers: request.headers,
        limits: { fileSize: maxBytes, files: 1, fields: 4, fieldSize: 1024, parts: 6, headerPairs: 20 },
      });
    } catch (error) {
      reject(unreadable(error));
      return;
    }
    let counted;
    let isOver = false;
    const refuse = (refusal) => {
      if (isOver) return;
      isOver = true;
      request.unpipe(form);
      request.resume();
      reject(refusal);
    };
    form.on('file', (field, file, name) => {
      // A form that ends in the middle of a file; an error that nobody hears would end the process.
      file.on('error', (error) => refuse(unreadable(error)));
      if (field !== FIELD) return file.resume();
      const counts = new Counts();
      file.on('limit', () => refuse(new Refusal(413, 'tooLarge', `This file is larger than ${inMib(maxBytes)}.`)));
      file.on('data', (bytes) => {
        if (isOver) return;
        try {
          counts.add(bytes);
        } catch (error) {
          refuse(asRefusal(error));
        }
      });
      file.on('end', () => {
        if (isOver || file.truncated) return;
        try {
          counted = { name, ...counts.end() };
        } catch (error) {
          refuse(asRefusal(error));
        }
      });
    });
    form.on('error', (error) => refuse(unreadable(error)));
    form.on('finish', () => {
      if (counted === undefined || (counted.bytes === 0 && !counted.name)) {
        refuse(new Refusal(400, 'noFile', `There is no file in the form's field "${FIELD}".`));
      } else if (counted.bytes === 0) {
        refuse(new Refusal(422, 'empty', 'This file is empty.'));
      } else if (!isOver) {
        isOver = true;
        resolve(counted);
      }
    });
    request.on('aborted', () => refuse(new Refusal(400, 'cutOff', 'The upload was cut off.')));
    request.pipe(form);
  });
}

function unreadable(error) {
  return new Refusal(400, 'badForm', `This form cannot be read: ${error.message}.`);
}

function asRefusal(error) {
  return error instanceof NoText ? new Refusal(415, 'noText', error.message) : error;
}

function inMib(bytes) {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes} bytes`;
}
