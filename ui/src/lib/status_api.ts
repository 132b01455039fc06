// What is up, for everybody; and what operators do about it.
import type { components } from '../generated/api';
import { answered, client, of } from './api';
import { first_models } from './model_list';

export type Status = components['schemas']['Status'];
export type Notice = components['schemas']['Notice'];
export type Maintenance = components['schemas']['Maintenance'];
export type MaintenanceReport = components['schemas']['MaintenanceReport'];
export type Alarm = components['schemas']['Alarm'];

/** What a model's engine printed, and each of its further ones. */
export interface EngineLog {
  model: string;
  text: string | null;
  further: { device: string; text: string }[];
}

export const status_api = {
  /** With so many models. */
  status: (wanted: number) => first_models(({ limit, after }) => answered(client.GET('/api/status', { params: { query: { limit, after } } })) as Promise<Status>, { search: '', wanted }),
  report: () => answered<MaintenanceReport>(client.GET('/api/maintenance')),
  set_maintenance: (body: { on: boolean; message?: string; message_da?: string; until?: string | null }) =>
    answered<{ maintenance: Maintenance }>(client.PATCH('/api/maintenance', { body })),
  add_notice: (body: { kind: Notice['kind']; message?: string; message_da?: string; until?: string | null }) =>
    answered<Notice>(client.POST('/api/notices', { body })),
  change_notice: (id: string, body: { until?: string | null }) => answered<Notice>(client.PATCH('/api/notices/{id}', { ...of(id), body })),
  remove_notice: (id: string) => answered(client.DELETE('/api/notices/{id}', of(id))),
  engine_log: (model: string) => answered<EngineLog>(client.GET('/api/engine-log', { params: { query: { model } } })),
};
