import { Alert, Button, Card, Center, Code, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { ApiRefusal, answered } from '../../client/api-client.ts';
import { api, explained } from '../api/api.ts';
import { Logo } from '../parts/icons.tsx';
import { keepSession } from './session.ts';

/** Asks for an API key. `ended`: why nobody is signed in any more. */
export function SignIn({ ended }: { ended: string | null }) {
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);

  const signIn = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (key.trim() === '') {
      setProblem('Paste an API key first.');
      return;
    }
    setAsking(true);
    setProblem(null);
    try {
      keepSession(await answered(api.POST('/v1/browser-session', { body: { key: key.trim() } })));
    } catch (error) {
      const isWrong = error instanceof ApiRefusal && error.problem?.code === 'unauthenticated';
      const { title, detail } = explained(error);
      setProblem(isWrong ? 'This is no valid key: mistyped, revoked or expired.' : `${title}. ${detail}`);
      setAsking(false);
    }
  };

  return (
    <Center component="main" mih="100dvh" p="md">
      <Card withBorder shadow="sm" w="100%" maw={420} p="xl">
        <form onSubmit={(event) => void signIn(event)} noValidate>
          <Stack>
            <Logo />
            <Title order={1} size="h2">
              Sign in to Ephemera
            </Title>
            {ended !== null && (
              <Alert color="yellow" role="status">
                {ended}
              </Alert>
            )}
            <PasswordInput
              label="API key"
              description="It stays here for this request alone; the browser keeps a session."
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
              error={problem}
              autoComplete="current-password"
              autoFocus
              spellCheck={false}
            />
            <Button type="submit" loading={isAsking}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              <Code>npm start</Code> prints where the first key is kept; <Code>npm run keys -- add</Code> makes more.
            </Text>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
