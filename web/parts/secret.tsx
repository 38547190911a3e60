import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';

/** What is shown once and kept nowhere. */
export function ShownOnce({ title, text, onClose }: { title: string; text: string; onClose: () => void }) {
  return (
    <Alert color="yellow" variant="outline" title={title} role="status">
      <Stack gap="xs">
        <Text size="sm">Copy it now: it is kept nowhere and not shown again.</Text>
        <Code block className="breaks">
          {text}
        </Code>
        <Group gap="xs">
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <Button size="xs" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button size="xs" variant="default" onClick={onClose}>
            I have it
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
