import { Button, Group, Modal, MultiSelect, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api, fieldProblems } from '../api/api.ts';
import { Refused } from '../parts/loaded.tsx';

type NewWebhook = components['schemas']['NewWebhook'];
type CreatedWebhook = components['schemas']['CreatedWebhook'];
type Kind = NonNullable<NewWebhook['kinds']>[number];

/** What most want to be told. */
const OFFERED = [
  ...['vm.creating', 'vm.running', 'vm.draining', 'vm.stopped', 'vm.suspended', 'vm.destroyed', 'vm.failed'],
  ...['vm.connections', 'vm.health'],
] as const satisfies readonly Kind[];

interface MakeWebhookProps {
  onMade: (webhook: CreatedWebhook) => void;
  onClose: () => void;
}

export function MakeWebhook({ onMade, onClose }: MakeWebhookProps) {
  const queries = useQueryClient();
  const [url, setUrl] = useState('');
  const [kinds, setKinds] = useState<string[]>([]);
  const [vm, setVm] = useState('');
  const [description, setDescription] = useState('');
  const make = useMutation({
    mutationFn: () => {
      const body: NewWebhook = {
        url,
        ...(kinds.length === 0 ? {} : { kinds: kinds as Kind[] }),
        ...(vm === '' ? {} : { vm }),
        ...(description === '' ? {} : { description }),
      };
      return answered(api.POST('/v1/webhooks', { body }));
    },
    onSuccess: (made) => {
      onMade(made);
      onClose();
      void queries.invalidateQueries({ queryKey: ['webhooks'] });
    },
  });
  const problems = fieldProblems(make.error);
  return (
    <Modal opened onClose={onClose} title="Add a webhook" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Stack>
          <TextInput
            label="Address"
            description="Each event is posted there."
            placeholder="https://example.com/hooks/vms"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
            error={problems['url']}
            data-autofocus
          />
          <MultiSelect
            label="Kinds of events"
            placeholder={kinds.length === 0 ? 'all' : ''}
            data={[...OFFERED]}
            value={kinds}
            onChange={setKinds}
            error={problems['kinds']}
          />
          <TextInput
            label="Only this VM"
            placeholder="all"
            value={vm}
            onChange={(event) => setVm(event.currentTarget.value)}
            error={problems['vm']}
          />
          <TextInput
            label="What it is for"
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
            error={problems['description']}
          />
          {make.error !== null && <Refused error={make.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={make.isPending}>
              Add it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
