// Icon and colour family of each kind of step. Colours are the theme's own variables.
import {
  CirclePlay, Clock, Flag, GitBranch, Hourglass, Link2, LogOut, MailPlus, Shuffle, Workflow,
} from "lucide-react";

export const KINDS = {
  entry: { Icon: CirclePlay, tone: "start" },
  message: { Icon: MailPlus, tone: "message" },
  wait: { Icon: Clock, tone: "timing" },
  wait_event: { Icon: Hourglass, tone: "timing" },
  branch: { Icon: GitBranch, tone: "decision" },
  split: { Icon: Shuffle, tone: "decision" },
  sub_campaign: { Icon: Workflow, tone: "decision" },
  goal: { Icon: Flag, tone: "goal" },
  exit: { Icon: LogOut, tone: "end" },
  link: { Icon: Link2, tone: "end" },
};

export const ENDS = new Set(["goal", "exit"]);

export function KindIcon({ kind, size = 18 }) {
  const { Icon, tone } = KINDS[kind] ?? KINDS.exit;
  return (
    <span className="jc-icon" data-tone={tone} aria-hidden="true">
      <Icon size={size} strokeWidth={1.9} />
    </span>
  );
}
