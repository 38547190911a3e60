/** Settings as a tree: groups of named settings, from which types, spellings, help and documentation come. */
import type { z } from 'zod';

/** What a default or a contradiction may ask about the other settings. */
export interface Known {
  /** Directory that relative paths are resolved against. */
  cwd: string;
  /** The value in force: as it was written, else the default. */
  value: <Value>(setting: Setting<Value>) => Value;
  /** The value as it was written; undefined where nobody wrote one, or a wrong one. */
  written: <Value>(setting: Setting<Value>) => Value | undefined;
  /** Somebody wrote a value that cannot be read. */
  isWrong: (setting: Setting) => boolean;
  /** Where it was written, else how it is spelled in the environment: for messages. */
  source: (setting: Setting) => string;
}

interface SettingInfo {
  /** What it is for, with its unit, in one line. */
  about: string;
  /** Spelling in ephemera.yaml, from which flag and variable derive; else made from the place in the tree. */
  key?: string;
  /** Environment variable, where it is not `EPHEMERA_` and the key. */
  env?: string;
  /** A secret is taken from the environment alone: command lines and files are read by others. */
  secret?: true;
  /** A file or directory: relative ones are resolved against the working directory; `-` stays. */
  path?: true;
  /** What the default is, for people, where it depends on something. */
  shownDefault?: string;
  /** The messages of its schema name the wrong item of a list, so the whole is not repeated. */
  namesWrongItem?: true;
  /** It is only for where this other one is not set, and why. */
  notWith?: { other: Setting; why: string };
}

/** One thing that can be set: what it takes, what it is without a value, and what it is for. */
export class Setting<Value = unknown> {
  readonly schema: z.ZodType;
  readonly info: SettingInfo;
  readonly byDefault: Value | ((known: Known) => Value);

  constructor(schema: z.ZodType, info: SettingInfo, byDefault: Value | ((known: Known) => Value)) {
    this.schema = schema;
    this.info = info;
    this.byDefault = byDefault;
  }
}

/** A setting with `<name>WasAsked` beside it. */
export class NotedSetting<Value = unknown> extends Setting<Value> {
  readonly noted = true;
}

type Default<Value> = Value | ((known: Known) => Value);

export function setting<Schema extends z.ZodType>(
  schema: Schema,
  info: SettingInfo & { default: Default<z.output<Schema>> },
): Setting<z.output<Schema>>;
export function setting<Schema extends z.ZodType>(schema: Schema, info: SettingInfo): Setting<z.output<Schema> | null>;
export function setting(schema: z.ZodType, info: SettingInfo & { default?: unknown }): Setting {
  return new Setting(schema, info, info.default ?? null);
}

/** A setting of which programs want to know whether somebody asked for its value: a port that may move, for one. */
export function notedSetting<Schema extends z.ZodType>(
  schema: Schema,
  info: SettingInfo & { default: Default<z.output<Schema>> },
): NotedSetting<z.output<Schema>> {
  return new NotedSetting<z.output<Schema>>(schema, info, info.default);
}

/** Settings that are worth nothing without each other: their group is null unless all are set. */
export class Together<Tree> {
  readonly tree: Tree;

  constructor(tree: Tree) {
    this.tree = tree;
  }
}

export interface SettingTree {
  readonly [name: string]: Setting | Together<SettingTree> | SettingTree;
}

type ValueOf<Node> =
  Node extends Setting<infer Value>
    ? Value
    : Node extends Together<infer Tree>
      ? { [Name in keyof Tree]: NonNullable<ValueOf<Tree[Name]>> } | null
      : Node extends object
        ? ValuesOf<Node>
        : never;

type NotedNames<Tree> = { [Name in keyof Tree]: Tree[Name] extends NotedSetting ? Name : never }[keyof Tree];

/** The type of all values of a tree. */
export type ValuesOf<Tree> = { [Name in keyof Tree]: ValueOf<Tree[Name]> } & {
  [Name in NotedNames<Tree> as `${Name & string}WasAsked`]: boolean;
};
