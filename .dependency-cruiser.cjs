/** One rule per arrow of docs/architecture.md. Each layer names what it may import; everything else of ours is shut. */
const layer = (name, from, mayImport) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: {
    path: '^(domain|spec|client|workflows|providers|activities|lib|security|config|telemetry|streams|worker|api|gateway|vm-server|cli|web|commands|examples|dev|test|test-support|bench)/',
    pathNot: [from, ...mayImport],
  },
});
const bans = (name, from, packages) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: packages },
});

/** What can be known of a provider without loading it. */
const DESCRIPTORS = ['^providers/(registry|lookup|descriptor)\\.ts$', '^providers/[^/]+/descriptor\\.ts$'];

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
    layer('lib-knows-nothing-of-ours', '^lib/', []),
    layer('client-knows-nothing-of-ours', '^client/', []),
    layer('spec-knows-the-domain', '^spec/', ['^domain/', '^lib/']),
    layer('providers-know-the-domain', '^providers/', ['^domain/', '^spec/', '^lib/']),
    {
      name: 'providers-share-only-what-is-of-no-provider',
      severity: 'error',
      from: { path: '^providers/([^/]+)/' },
      to: { path: '^providers/[^/]+/', pathNot: ['^providers/$1/', '^providers/(host|cloud)/'] },
    },
    {
      name: 'hosts-and-clouds-share-nothing',
      severity: 'error',
      from: { path: '^providers/(host|cloud)/' },
      to: { path: '^providers/(host|cloud)/', pathNot: '^providers/$1/' },
    },
    {
      name: 'descriptors-load-no-client',
      comment: 'config and API read descriptors; what a provider works with comes with its load()',
      severity: 'error',
      from: { path: '^providers/[^/]+/descriptor\\.ts$' },
      to: { path: 'node_modules/', pathNot: 'node_modules/zod/', dynamic: false },
    },
    {
      name: 'providers-are-known-by-their-registry',
      comment: 'who works with a provider gets it from the registry; its folder is its own',
      severity: 'error',
      from: { path: '^(activities|worker|commands)/' },
      to: { path: '^providers/[^/]+/', pathNot: '^providers/(host|cloud)/' },
    },
    bans('providers-without-temporal', '^providers/', ['node_modules/@temporalio/']),
    layer('activities-know-domain-and-providers', '^activities/', ['^domain/', '^providers/', '^lib/']),
    layer('config-knows-domain-and-descriptors', '^config/', ['^domain/', '^lib/', ...DESCRIPTORS]),
    layer('security-knows-domain-config-and-descriptors', '^security/', [
      ...['^domain/', '^config/', '^lib/'],
      ...DESCRIPTORS,
    ]),
    layer('telemetry-knows-domain-and-config', '^telemetry/', ['^domain/', '^config/', '^lib/']),
    layer('streams-know-the-domain', '^streams/', ['^domain/', '^lib/']),
    layer('worker-composes', '^worker/', [
      ...['^domain/', '^workflows/', '^providers/', '^activities/', '^lib/', '^security/', '^config/', '^telemetry/'],
      '^streams/',
    ]),
    layer('api-knows-domain-config-messages-and-descriptors', '^api/', [
      ...[
        '^domain/',
        '^spec/',
        '^lib/',
        '^security/',
        '^config/',
        '^telemetry/',
        '^streams/',
        '^workflows/messages\\.ts$',
      ],
      ...DESCRIPTORS,
    ]),
    layer('gateway-asks-the-api-as-any-client', '^gateway/', [
      ...['^domain/', '^lib/', '^config/', '^telemetry/', '^client/', '^security/links/'],
    ]),
    bans('gateway-without-temporal-or-cloud', '^gateway/', [
      'node_modules/@temporalio/',
      'node_modules/@google-cloud/',
    ]),
    layer('vm-server-knows-only-the-domain', '^vm-server/', ['^domain/', '^lib/']),
    bans('vm-server-without-temporal-or-cloud', '^vm-server/', [
      'node_modules/@temporalio/',
      'node_modules/@google-cloud/',
    ]),
    layer('examples-speak-http', '^examples/', ['^client/']),
    {
      name: 'cli-and-web-speak-http',
      comment: 'by the client alone',
      severity: 'error',
      from: { path: '^(cli|web)/' },
      to: {
        path: '^(domain|spec|workflows|providers|activities|lib|security|config|telemetry|streams|worker|api|gateway|vm-server)/',
      },
    },
    {
      name: 'nothing-imports-tests-or-commands',
      severity: 'error',
      from: {
        path: '^(domain|spec|client|workflows|providers|activities|lib|security|config|telemetry|streams|worker|api|gateway|vm-server)/',
      },
      to: { path: '^(test|test-support|bench|commands|examples|dev)/' },
    },
    {
      name: 'commands-without-developer-tools',
      comment: 'what users run works without tests, benches and the tools of developers',
      severity: 'error',
      from: { path: '^commands/' },
      to: { path: '^(test|test-support|bench|dev)/' },
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
