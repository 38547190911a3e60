import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ConfirmByName } from './confirm.tsx';

interface DestroyButtonProps {
  /** `Delete`, `Remove`, `Revoke`. */
  verb: string;
  name: string;
  /** What is lost. */
  children: ReactNode;
  force?: string;
  onConfirm: (force: boolean) => void;
}

/** Asks for the name before anything is taken away. */
export function DestroyButton({ verb, name, children, force, onConfirm }: DestroyButtonProps) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button
        size="xs"
        variant="outline"
        color="red"
        className="danger"
        aria-label={`${verb} ${name}`}
        onClick={() => setAsking(true)}
      >
        {verb}
      </Button>
      {isAsking && (
        <ConfirmByName
          title={`${verb} ${name}`}
          name={name}
          force={force}
          onConfirm={onConfirm}
          onClose={() => setAsking(false)}
        >
          {children}
        </ConfirmByName>
      )}
    </>
  );
}
