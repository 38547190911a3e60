import { ActionIcon, Alert, AppShell, Burger, Button, Group, NavLink, Stack, Text } from '@mantine/core';
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useEffect, useRef, type ReactNode } from 'react';
import { NavLink as RouterLink, useLocation } from 'react-router';
import { api } from '../api/api.ts';
import { useInReach } from '../api/reach.ts';
import { Logo, MoonIcon, SunIcon } from '../parts/icons.tsx';
import { endSession, useMay, useSessionState } from '../session/session.ts';
import { PLACES } from './places.ts';

/** What is around every page: where one can go, who one is, and whether the API is in reach. */
export function Shell({ children }: { children: ReactNode }) {
  const [isOpen, { toggle, close }] = useDisclosure();
  const isInReach = useInReach();
  const { pathname } = useLocation();
  const main = useRef<HTMLDivElement>(null);
  useEffect(close, [pathname, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
      transitionDuration={0}
    >
      <a className="skip" href="#main" onClick={() => main.current?.focus()}>
        To the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? 'Close the menu' : 'Open the menu'}
              aria-expanded={isOpen}
            />
            <Logo />
            <Text fw={700} size="lg" visibleFrom="xs">
              Ephemera
            </Text>
          </Group>
          <Who />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <Places />
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1}>
        {!isInReach && (
          <Alert color="red" variant="outline" mb="md" role="alert" title="The API does not answer">
            What is shown is what was known last. It is asked again by itself, and the page heals once it is back.
          </Alert>
        )}
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

function Places() {
  const may = { viewer: useMay('viewer'), operator: useMay('operator'), admin: useMay('admin') };
  return (
    <Stack gap={2}>
      {PLACES.filter(({ needs }) => may[needs]).map(({ to, label }) => (
        <RouterLink key={to} to={to} className="place">
          {({ isActive }) => <NavLink component="span" label={label} active={isActive} variant="light" />}
        </RouterLink>
      ))}
      <NavLink href="/docs" label="API documentation" />
    </Stack>
  );
}

function Who() {
  const { session } = useSessionState();
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const signOut = () => {
    // The cookie is worth nothing once the page forgets its half; a refusal to take it away is no reason to stay.
    void api.DELETE('/v1/browser-session').catch(() => undefined);
    endSession(null);
  };
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" c="dimmed" visibleFrom="xs">
        {session?.project}, {session?.role}
      </Text>
      <ActionIcon
        variant="default"
        size="lg"
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
        aria-label={isDark ? 'Light colours' : 'Dark colours'}
      >
        {isDark ? <SunIcon /> : <MoonIcon />}
      </ActionIcon>
      <Button variant="default" size="xs" h={34} onClick={signOut}>
        Sign out
      </Button>
    </Group>
  );
}
