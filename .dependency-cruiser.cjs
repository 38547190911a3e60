/** One rule per arrow of design §2. Each layer names what it may import; everything else of ours is shut. */
const layer = (name, from, mayImport) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: {
    path: '^(domain|workflows|providers|activities|config|telemetry|worker|api|vm-server|cli|web|test|bench|scripts)/',
    pathNot: [from, ...mayImport],
  },
});
const bans = (name, from, packages) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: packages },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      comment: 'domain/ imports nothing, not even node:',
      severity: 'error',
      from: { path: '^domain/' },
      to: { pathNot: '^domain/' },
    },
    layer('workflows-know-the-domain', '^workflows/', ['^domain/']),
    {
      name: 'workflows-use-only-the-workflow-sdk',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { pathNot: ['^domain/', '^workflows/', 'node_modules/@temporalio/(workflow|common)/'] },
    },
    layer('providers-know-the-domain', '^providers/', ['^domain/']),
    {
      name: 'providers-share-only-what-is-of-no-provider',
      severity: 'error',
      from: { path: '^providers/(host|local|qemu|gcp)/' },
      to: { path: '^providers/[^/]+/', pathNot: ['^providers/$1/', '^providers/host/'] },
    },
    bans('providers-without-temporal', '^providers/', ['node_modules/@temporalio/']),
    layer('activities-know-domain-and-providers', '^activities/', ['^domain/', '^providers/']),
    layer('config-knows-the-domain', '^config/', ['^domain/']),
    layer('telemetry-knows-domain-and-config', '^telemetry/', ['^domain/', '^config/']),
    layer('worker-composes', '^worker/', [
      ...['^domain/', '^workflows/', '^providers/', '^activities/', '^config/', '^telemetry/'],
    ]),
    layer('api-knows-domain-config-and-messages', '^api/', [
      ...['^domain/', '^config/', '^telemetry/', '^workflows/messages\\.ts$'],
    ]),
    layer('vm-server-knows-only-the-domain', '^vm-server/', ['^domain/']),
    bans('vm-server-without-temporal-or-cloud', '^vm-server/', [
      'node_modules/@temporalio/',
      'node_modules/@google-cloud/',
    ]),
    {
      name: 'cli-and-web-speak-http',
      severity: 'error',
      from: { path: '^(cli|web)/' },
      to: { path: '^(domain|workflows|providers|activities|config|telemetry|worker|api|vm-server)/' },
    },
    {
      name: 'nothing-imports-tests-or-scripts',
      severity: 'error',
      from: { path: '^(domain|workflows|providers|activities|config|telemetry|worker|api|vm-server)/' },
      to: { path: '^(test|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Packages stay in the graph, though nothing in them is followed: half of the rules are about them.
    exclude: { path: '^(dist|\\.ephemera)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
