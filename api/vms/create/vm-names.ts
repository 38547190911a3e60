import { randomInt } from 'node:crypto';

const ADJECTIVES =
  'able amber bold brave brisk calm clear crisp eager early fair fast fine fond fresh glad golden good green happy ' +
  'honest jolly keen kind late light lively lucky merry mild neat noble plain proud quick quiet rapid ready red ' +
  'rich royal sharp shiny silent silver simple smart snowy soft solid sound steady still strong sunny sweet swift ' +
  'tall tidy tiny true vivid warm wide wild wise witty young';
const NOUNS =
  'ant badger bat bear beaver bee bison camel cat cod crab crane crow deer dingo dog dove duck eagle eel elk emu ' +
  'falcon fish fox frog gecko goat goose gull hare hawk heron horse ibis jay kiwi koala lark lion llama lynx magpie ' +
  'marten mole moose moth mouse newt orca otter owl oyster panda parrot perch pike pony puma quail rabbit ram raven ' +
  'robin salmon seal shark sheep shrew skunk sloth snail sparrow squid stork swan swift tapir tern tiger toad trout ' +
  'turtle viper vole walrus wasp weasel whale wolf wren yak zebra';
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const TAIL_LENGTH = 5;

/** A name that people can read out, for a VM that was given none: `quiet-otter-7kx2p`. */
export function readableName(): string {
  const tail = Array.from({ length: TAIL_LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');
  return `${one(ADJECTIVES)}-${one(NOUNS)}-${tail}`;
}

/** The name of an unnamed VM that was created with an Idempotency-Key: the same key, the same name. */
export function nameForKey(keyHash: string): string {
  return `vm-${keyHash.slice(0, 20)}`;
}

function one(words: string): string {
  const list = words.split(' ');
  return list[randomInt(list.length)] ?? 'vm';
}
