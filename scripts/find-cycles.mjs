/**
 * Finds import cycles: one for each group of files that import each other, given as the shortest
 * way round from the group's first file, which stands at both ends.
 *
 * @param {Map<string, Map<string, unknown>>} graph file → the files it imports
 * @returns {string[][]}
 */
export function findCycles(graph) {
  const reported = new Set();
  const cycles = [];
  for (const start of [...graph.keys()].sort()) {
    if (reported.has(start)) continue;
    const cycle = shortestWayBack(graph, start);
    if (!cycle) continue;
    cycles.push(cycle);
    for (const file of cycle) reported.add(file);
  }
  return cycles;
}

function shortestWayBack(graph, start) {
  const cameFrom = new Map();
  const queue = [start];
  for (const file of queue) {
    for (const next of graph.get(file)?.keys() ?? []) {
      if (next === start) return unwind(cameFrom, file, start);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, file);
      queue.push(next);
    }
  }
  return undefined;
}

function unwind(cameFrom, last, start) {
  const path = [start];
  for (let file = last; file !== start; file = cameFrom.get(file)) path.unshift(file);
  return [start, ...path];
}
