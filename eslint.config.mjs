import tseslint from 'typescript-eslint';

/** Each rule that goes beyond the strict presets carries its reason. */
export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'dist',
      '.ephemera',
      '.ephemera-host*',
      'test/replay/histories',
      'vm-server/app/page',
      'client/api-types.ts',
      'client/operations.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './domain/tsconfig.json', './workflows/tsconfig.json', './web/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // A promise nobody waits for hides its failure and outlives its owner.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      // A new state or event must be decided everywhere it matters.
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // A named export has one name everywhere, so a search finds all of it.
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      // Types vanish at build time; saying so keeps import gates honest.
      '@typescript-eslint/consistent-type-imports': 'error',
      // A function that does not fit a screen does two things.
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      // Callbacks that only forward are clearer without braces.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A number in a text needs no conversion.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Index-signature access is written with brackets (tsconfig), so that a typo in a known key shows.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'test-support/**/*.ts'],
    rules: {
      // A describe block is a list of sentences, not a function to understand.
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['web/**/*.tsx'],
    rules: {
      // A component is mostly what it shows.
      'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
      // Handlers of events are callbacks that React waits for in no way.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      // Temporal replaces these in workflows; the domain may not depend on it, so it never reads the clock.
      'no-restricted-globals': ['error', 'process', 'setInterval'],
    },
  },
  {
    files: ['domain/**/*.ts'],
    rules: {
      // Pure: the same call gives the same answer, today and on replay.
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pass the time in.' },
        { object: 'Math', property: 'random', message: 'Pass the value in.' },
      ],
    },
  },
  { files: ['**/*.mjs', '**/*.cjs', 'vitest.config.ts'], ...tseslint.configs.disableTypeChecked },
  { files: ['*.config.mjs', 'vitest.config.ts'], rules: { 'no-restricted-exports': 'off' } },
);
