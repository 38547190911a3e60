import { Group, Text } from '@mantine/core';
import { durationText } from './duration.ts';
import { stepPath, type Frame, type Step } from './steps.ts';

const WIDTH = 640;
const HEIGHT = 120;
const EDGE = { left: 34, right: 8, top: 8, bottom: 20 } as const;

export interface Line {
  label: string;
  steps: readonly Step[];
  color: string;
  dashed?: boolean;
}

interface ChartProps {
  /** What it shows, for those who cannot see it. */
  title: string;
  lines: readonly Line[];
  /** Epoch ms. */
  from: number;
  to: number;
}

/** Counts over time. What it says last is said in words too. */
export function Chart({ title, lines, from, to }: ChartProps) {
  const most = Math.max(1, ...lines.flatMap(({ steps }) => steps.map(({ value }) => value)));
  const frame: Frame = {
    width: WIDTH - EDGE.left - EDGE.right,
    height: HEIGHT - EDGE.top - EDGE.bottom,
    ...{ from, to, most },
  };
  const last = lines.map(({ label, steps }) => `${label}: ${steps.at(-1)?.value ?? 'none'}`).join(', ');
  return (
    <div>
      <svg
        className="chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width="100%"
        role="img"
        aria-label={`${title}. Now ${last}; ${most} at most.`}
      >
        <g transform={`translate(${EDGE.left} ${EDGE.top})`}>
          <line x1="0" x2={frame.width} y1={frame.height} y2={frame.height} stroke="var(--line)" />
          <line x1="0" x2={frame.width} y1="0" y2="0" stroke="var(--line)" strokeDasharray="2 4" />
          <text x="-6" y="4" textAnchor="end">
            {most}
          </text>
          <text x="-6" y={frame.height + 4} textAnchor="end">
            0
          </text>
          <text x="0" y={frame.height + 16}>
            {durationText(to - from)} ago
          </text>
          <text x={frame.width} y={frame.height + 16} textAnchor="end">
            now
          </text>
          {lines.map(({ label, steps, color, dashed }) => (
            <path
              key={label}
              d={stepPath(steps, frame)}
              fill="none"
              stroke={color}
              strokeWidth="2"
              strokeDasharray={dashed === true ? '5 4' : undefined}
            />
          ))}
        </g>
      </svg>
      {lines.length > 1 && (
        <Group gap="md">
          {lines.map(({ label, color }) => (
            <Text key={label} size="sm">
              <svg width="12" height="12" aria-hidden="true">
                <rect width="12" height="12" rx="3" fill={color} />
              </svg>{' '}
              {label}
            </Text>
          ))}
        </Group>
      )}
    </div>
  );
}
