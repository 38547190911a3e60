/** A command that lists things of one kind, with others below it for one of them. */
import type { Command } from 'commander';
import { command, withOutput, withSession, type Cli, type CommonOptions, type Session } from '../context.ts';
import { printList, printOne, type Shown } from '../output/print.ts';

type Examples = readonly (readonly [line: string, what: string])[];

/** `ephemera pools`: a list. */
export function listCommand<Row>(
  cli: Cli,
  named: { name: string; about: string; examples: Examples },
  shown: Shown<Row>,
  read: (session: Session) => Promise<readonly Row[]>,
): Command {
  const one = command(named.name, named.about, named.examples);
  return withOutput(one).action((options: CommonOptions) =>
    withSession(cli, options, async (session) => printList(await read(session), shown, session.format)),
  );
}

/** `ephemera hosts cordon ID`: something with one of them; prints what it is now. */
export function oneOfCommand<Row>(
  cli: Cli,
  named: { name: string; about: string; argument: string; what: string; examples: Examples },
  shown: Shown<Row>,
  run: (session: Session, name: string) => Promise<Row>,
): Command {
  const one = command(named.name, named.about, named.examples).argument(named.argument, named.what);
  return withOutput(one).action((name: string, options: CommonOptions) =>
    withSession(cli, options, async (session) => {
      const row = await run(session, name);
      if (session.format === 'table' || session.format === 'wide') printList([row], shown, session.format);
      else printOne(row, shown.nameOf(row), () => [], session.format);
    }),
  );
}
