/**
 * Revision of everything between a file's bytes and its passages: extraction, cutting, the embedded text, terms.
 * Raise it when one of them changes what it makes: the next run then reads unchanged files anew.
 */
export const pipelineRevision = 2
