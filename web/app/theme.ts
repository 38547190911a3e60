import { createTheme, type CSSVariablesResolver } from '@mantine/core';

export const THEME = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** Grey text has to be read, too. */
export const VARIABLES: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': colors.gray[7],
    '--mantine-color-anchor': colors.cyan[9],
    '--mantine-color-placeholder': colors.gray[7],
    '--mantine-color-error': colors.red[9],
  },
  dark: {
    '--mantine-color-dimmed': colors.dark[0],
    '--mantine-color-anchor': colors.cyan[3],
    '--mantine-color-placeholder': colors.dark[1],
    '--mantine-color-error': colors.red[3],
  },
});
