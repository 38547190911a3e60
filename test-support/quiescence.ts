/** Where a system of which every state was explored comes to rest. */

/** An edge is the number of the state to which it leads, and in its lowest two bits what kind it is. */
export const STEP = 1;
export const RETURN = 2;
export const KIND_BITS = 2;

/** Sets of states from which only they themselves are reached (Tarjan's components without a way out). */
export function bottoms(edges: readonly (readonly number[])[], kinds: number): number[][] {
  const count = edges.length;
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const component = new Int32Array(count).fill(-1);
  const members: number[][] = [];
  const open: number[] = [];
  let clock = 0;
  const visit = (root: number): void => {
    const path: { at: number; edge: number }[] = [{ at: root, edge: 0 }];
    index[root] = low[root] = clock++;
    open.push(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const edge = edges[top.at]![top.edge];
      if (edge === undefined) {
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) low[parent.at] = Math.min(low[parent.at]!, low[top.at]!);
        if (low[top.at] === index[top.at]) close(top.at);
        continue;
      }
      top.edge += 1;
      if ((edge & kinds) === 0) continue;
      const to = edge >> KIND_BITS;
      if (index[to] === -1) {
        index[to] = low[to] = clock++;
        open.push(to);
        path.push({ at: to, edge: 0 });
      } else if (component[to] === -1) {
        low[top.at] = Math.min(low[top.at]!, index[to]!);
      }
    }
  };
  const close = (at: number): void => {
    const states = open.splice(open.lastIndexOf(at));
    for (const state of states) component[state] = members.length;
    members.push(states);
  };
  for (let at = 0; at < count; at += 1) if (index[at] === -1) visit(at);
  return members.filter((states, own) =>
    states.every((at) => edges[at]!.every((edge) => (edge & kinds) === 0 || component[edge >> KIND_BITS] === own)),
  );
}
