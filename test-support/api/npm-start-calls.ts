import { readFile } from 'node:fs/promises';
import { readRunJson } from '../npm-start.ts';
import { ApiCalls } from './api-calls.ts';

/** Calls of the API of the `npm start` that runs on this state directory now, with its first key. */
export async function callsOf(stateDir: string): Promise<ApiCalls> {
  const { apiUrl, keyFile } = readRunJson(stateDir);
  return new ApiCalls({ url: apiUrl, key: (await readFile(keyFile, 'utf8')).trim() });
}
