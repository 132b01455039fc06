// Words of the choice of models in forms, which stands on several pages.
export const da = {
  choice_find: 'Find en model ved navn eller id',
  choice_chosen: 'Valgt: {count}',
  choice_all: 'Vis alle {count}',
  choice_too_many: 'Der kan vælges højst {max} modeller. Fravælg {over}, eller vælg alle modeller.',
};

export const en: Record<keyof typeof da, string> = {
  choice_find: 'Find a model by name or id',
  choice_chosen: 'Chosen: {count}',
  choice_all: 'Show all {count}',
  choice_too_many: 'At most {max} models can be chosen. Take {over} away, or choose all models.',
};
