// What members are promised, as far as it can be thought through without a page: money, shares, differences, the way
// back. Pure.
import type { components } from '../generated/api';
import { locale, type Language } from './format';

export type Agreement = components['schemas']['Agreement'];
export type Tier = components['schemas']['Tier'];
export type Plan = components['schemas']['AgreementPlan'];
export type Step = components['schemas']['PlanStep'];
export type Wish = components['schemas']['AgreementWish'];
export type WishedAgreement = components['schemas']['WishedAgreement'];
export type WishedTier = components['schemas']['WishedTier'];
export type Places = components['schemas']['Places'];
export type Promised = components['schemas']['Promise'];

/** "5.668,00 kr." */
export function kroner(ore: number, language: Language): string {
  return `${new Intl.NumberFormat(locale[language], { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(ore / 100)} kr.`;
}

/** For a field: "5668,00". */
export function kroner_field(ore: number | null, language: Language): string {
  if (ore === null) return '';
  return `${Math.trunc(ore / 100)}${language === 'da' ? ',' : '.'}${String(ore % 100).padStart(2, '0')}`;
}

/** Oere from what somebody wrote: 5668, 5668,50, 5.668,50 or 5,668.50. null: it is no amount. */
export function ore_of(text: string): number | null {
  const match = /^(\d{1,3}(?:([., ])\d{3})(?:\2\d{3})*|\d+)(?:([.,])(\d{1,2}))?$/.exec(text.trim().replace(/\s*kr\.?$/, '').replaceAll('\u00a0', ' '));
  if (!match || (match[2] && match[2] === match[3])) return null;
  const whole = Number((match[1] ?? '').replaceAll(/[., ]/g, ''));
  return whole * 100 + Number((match[4] ?? '').padEnd(2, '0'));
}

/** "7,0 %" of all shares together. */
export function percent(share: number, shares: number, language: Language): string {
  return new Intl.NumberFormat(locale[language], { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(shares > 0 ? share / shares : 0);
}

/** A day as the agreement has it, whatever the reader's time zone: "1. januar 2026". */
export function day_words(day: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
}

/** The same for a table: "1.1.2026". */
export function short_day_words(day: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: 'short', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
}

/** The day before, for an agreement that ends where another begins. */
export function day_before(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}

/** An agreement as it would be wished again, every value said. */
export function wish_of(row: Agreement): WishedAgreement {
  return {
    member: row.member,
    tier: row.tier,
    from: row.from,
    until: row.until,
    share: row.share,
    places: row.places,
    wait_s: row.wait_s,
    models: row.models,
    fee_ore: row.fee_ore,
    ...(row.suspended && { suspended: true, reason_da: row.reason_da, reason_en: row.reason_en }),
  };
}

/** One without a last day ends where the next one begins. */
export function followed(wanted: WishedAgreement, all: readonly Agreement[]): Wish {
  const before = all.find((each) => each.member === wanted.member && each.until === null && each.from < wanted.from);
  return { agreements: before ? [{ ...wish_of(before), until: day_before(wanted.from), ...(before.id && { replaces: before.id }) }, wanted] : [wanted] };
}

function wish_of_tier(row: Tier): WishedTier {
  return { id: row.id, name: row.name, share: row.share, places: row.places, wait_s: row.wait_s, models: row.models, fee_ore: row.fee_ore };
}

/** What takes a plan back that has been carried out. Nothing is unmade: another agreement follows, with the old values. */
export function way_back(done: Plan): Wish {
  const wish: Wish & { agreements: WishedAgreement[]; tiers: WishedTier[]; ended: string[]; tiers_removed: string[] } = { agreements: [], tiers: [], ended: [], tiers_removed: [] };
  for (const step of done.steps) {
    if (step.before) wish.agreements.push({ ...wish_of(step.before), ...(step.after?.id && { replaces: step.after.id }) });
    else if (step.after?.id) wish.ended.push(step.after.id);
    if (step.tier_before) wish.tiers.push(wish_of_tier(step.tier_before));
    else if (step.tier_after) wish.tiers_removed.push(step.tier_after.id);
  }
  return wish;
}

export type Field = 'name' | 'tier' | 'from' | 'until' | 'share' | 'places' | 'wait_s' | 'models' | 'fee_ore' | 'suspended';
const fields: readonly Field[] = ['name', 'tier', 'from', 'until', 'share', 'places', 'wait_s', 'models', 'fee_ore', 'suspended'];

/** The fields of a step and their values; both where it changes something, and then only those that differ. */
export function differences(step: Step): { field: Field; before: unknown; after: unknown }[] {
  const [before, after] = [step.before ?? step.tier_before, step.after ?? step.tier_after] as (Record<string, unknown> | null)[];
  const both = before && after;
  return fields
    .filter((field) => field in (after ?? before ?? {}))
    .map((field) => ({ field, before: before?.[field] ?? null, after: after?.[field] ?? null }))
    .filter((each) => !both || JSON.stringify(each.before) !== JSON.stringify(each.after));
}
