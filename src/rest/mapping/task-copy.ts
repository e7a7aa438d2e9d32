/** A copy of a task: the same content under another name, disabled (contract §1.7). */
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { SpecDraft } from '../../resources/editor.ts';
import type { Complaint } from '../codes.ts';
import type { TaskCopyBody } from '../schemas/task-bodies.ts';
import { isGiven, noteUnlessName, noteUnlessSaid, noteUnlessText, refuse } from './complaints.ts';

/** @throws {RestError} 250104, 250105 */
export function copiedTask({ name, description }: TaskCopyBody, { spec }: ReplicaTask): SpecDraft<'ReplicaTask'> {
  const complaints: Complaint[] = [];
  if (noteUnlessSaid(complaints, 'name', name)) noteUnlessName(complaints, name);
  noteUnlessText(complaints, 'description', description);
  refuse(complaints);
  const { description: _description, ...content } = spec;
  return { ...content, name, enabled: false, ...(isGiven(description) ? { description } : {}) };
}
