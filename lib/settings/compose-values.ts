import { NotedSetting, Setting, Together, type Known, type SettingTree, type ValuesOf } from './setting.ts';

/** The values of a tree, each as written or by default. */
export function composeValues<Tree extends SettingTree>(tree: Tree, known: Known): ValuesOf<Tree> {
  const values: Record<string, unknown> = {};
  for (const [name, node] of Object.entries(tree)) {
    if (node instanceof Setting) {
      values[name] = known.value(node);
      if (node instanceof NotedSetting) values[`${name}WasAsked`] = known.written(node) !== undefined;
    } else if (node instanceof Together) {
      const together = composeValues(node.tree, known);
      values[name] = Object.values(together).includes(null) ? null : together;
    } else {
      values[name] = composeValues(node, known);
    }
  }
  return values as ValuesOf<Tree>;
}
