/** The types of a call, read from those that are generated from openapi.json. */
import type { operations } from './api-types.ts';

/** Name of a request: its `operationId` in openapi.json. */
export type OperationId = keyof operations;

/** What has to be known of an operation to ask for it; `client/operations.ts` has that of each. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  /** With `{name}` where a parameter goes. */
  path: string;
  query: readonly string[];
  headers: readonly string[];
  /** Asked a second time it does nothing more, so it may be asked again where the answer was lost. */
  isRepeatable: boolean;
}

type Given<Part> = [Part] extends [never] ? unknown : Part extends object ? Part : unknown;

type ParametersOf<Of> = Of extends { parameters: { path?: infer Path; query?: infer Query; header?: infer Header } }
  ? Given<Path> & Given<NonNullable<Query>> & Given<NonNullable<Header>>
  : unknown;

type ContentOf<Body> = Body extends { content: infer Content } ? Content[keyof Content] : never;

type BodyOf<Of> = Of extends { requestBody: infer Body }
  ? { body: ContentOf<Body> }
  : Of extends { requestBody?: infer Body }
    ? [NonNullable<Body>] extends [never]
      ? unknown
      : { body?: ContentOf<NonNullable<Body>> }
    : unknown;

/** An optional parameter may be undefined, too. */
type Lenient<Type> = { [Key in keyof Type]: Type extends Record<Key, Type[Key]> ? Type[Key] : Type[Key] | undefined };

/** Path, query and header parameters by their names, and `body`. */
export type InputOf<Id extends OperationId> = Lenient<ParametersOf<operations[Id]> & BodyOf<operations[Id]>>;

type Success = 200 | 201 | 202;

type JsonOf<Reply> = Reply extends { content: { 'application/json': infer Json } } ? Json : never;

type RepliesOf<Of> = Of extends { responses: infer Replies } ? Replies[keyof Replies & Success] : never;

/** The JSON of a good answer; undefined where a good answer has none. */
export type AnswerOf<Id extends OperationId> = [JsonOf<RepliesOf<operations[Id]>>] extends [never]
  ? undefined
  : JsonOf<RepliesOf<operations[Id]>>;
