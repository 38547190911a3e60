import { Fieldset, JsonInput, NumberInput, Select, Stack, TagsInput, TextInput, Textarea } from '@mantine/core';
import { Pairs } from './pairs.tsx';
import { fieldKind, known, splitDescription, type Schema } from './schema.ts';

export interface FieldProps {
  name: string;
  /** From the top of the body: `idle.timeoutSeconds`. */
  path: string;
  schema: Schema;
  value: unknown;
  /** What it is when nothing is said, where that is known: the template's. */
  inherited: unknown;
  /** Of the API, by path. */
  problems: Record<string, string>;
  onChange: (value: unknown) => void;
}

const LONG_TEXT = 1000;
const YES_NO = [
  { value: 'true', label: 'yes' },
  { value: 'false', label: 'no' },
];

/** One field of a request, as its schema says, and those in it. */
export function SchemaField(props: FieldProps) {
  const { name, path, value, inherited, problems, onChange } = props;
  const schema = known(props.schema);
  const { about, fallback } = splitDescription(props.schema.description);
  const placeholder = inherited === undefined || inherited === null ? fallback : textOf(inherited);
  const common = { label: name, description: about, error: problems[path], placeholder };
  switch (fieldKind(schema)) {
    case 'text':
      return (schema.maxLength ?? 0) > LONG_TEXT ? (
        <Textarea
          {...common}
          value={string(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
          autosize
          minRows={3}
          maxRows={12}
        />
      ) : (
        <TextInput
          {...common}
          value={string(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
      );
    case 'number':
      return (
        <NumberInput
          {...common}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => onChange(typeof next === 'number' ? next : undefined)}
          min={schema.minimum}
          max={schema.maximum}
          allowDecimal={schema.type === 'number'}
        />
      );
    case 'yesNo':
      return (
        <Select
          {...common}
          data={YES_NO}
          value={typeof value === 'boolean' ? String(value) : null}
          onChange={(next) => onChange(next === null ? undefined : next === 'true')}
          clearable
        />
      );
    case 'choice':
      return (
        <Select {...common} data={schema.enum ?? []} value={string(value) || null} onChange={onChange} clearable />
      );
    case 'list':
      return (
        <TagsInput
          {...common}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={onChange}
          maxTags={schema.maxItems}
        />
      );
    case 'pairs':
      return (
        <Pairs
          label={name}
          description={about}
          error={pairsProblem(path, problems)}
          value={value}
          onChange={onChange}
        />
      );
    case 'group':
      return <Group {...props} schema={schema} about={about} />;
    case 'json':
      return <Json {...common} value={value} onChange={onChange} />;
  }
}

function Group({ name, path, schema, value, inherited, problems, onChange, about }: FieldProps & { about: string }) {
  const members = (value ?? {}) as Record<string, unknown>;
  const above = (inherited ?? {}) as Record<string, unknown>;
  return (
    <Fieldset legend={name}>
      <Stack gap="sm">
        <span className="about">{about}</span>
        {Object.entries(schema.properties ?? {}).map(([key, member]) => (
          <SchemaField
            key={key}
            name={key}
            path={`${path}.${key}`}
            schema={member}
            value={members[key]}
            inherited={above[key]}
            problems={problems}
            onChange={(next) => onChange({ ...members, [key]: next })}
          />
        ))}
      </Stack>
    </Fieldset>
  );
}

interface JsonProps {
  label: string;
  description: string;
  error: string | undefined;
  placeholder: string | undefined;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** For the few that no plainer field fits. What is no JSON yet is kept as text, and the API says so. */
function Json({ value, onChange, ...common }: JsonProps) {
  const text = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return (
    <JsonInput
      {...common}
      value={text}
      onChange={(next) => onChange(parsed(next))}
      autosize
      minRows={2}
      maxRows={12}
      formatOnBlur
    />
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function pairsProblem(path: string, problems: Record<string, string>): string | undefined {
  return problems[path] ?? Object.entries(problems).find(([field]) => field.startsWith(`${path}.`))?.[1];
}
