-- The writes that must be whole are functions, so that each is one statement: the embedded database gives all
-- its clients one session, where a transaction held open by one client stops everybody, and a client that is
-- killed between two statements leaves nothing to roll back. Inside a function every statement sees what was
-- committed before it, so what is read after a lock is taken is current.

-- Adds (sign 1) or takes away (sign -1) what versions give to the statistics of a collection. The rows are taken
-- in the order of the language, everywhere, so that two publishers never wait for each other in a circle.
CREATE FUNCTION count_languages(p_collection integer, p_added bigint[], p_removed bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO collection_languages AS c (collection_id, language, passages, terms, words, word_pieces)
  SELECT p_collection, language, sum(sign * passages), sum(sign * terms), sum(sign * words), sum(sign * word_pieces)
  FROM (
    SELECT 1 AS sign, * FROM version_languages WHERE version_id = ANY (p_added)
    UNION ALL
    SELECT -1, * FROM version_languages WHERE version_id = ANY (p_removed)
  ) AS change
  GROUP BY language
  ORDER BY language
  ON CONFLICT (collection_id, language) DO UPDATE SET
    passages = c.passages + excluded.passages,
    terms = c.terms + excluded.terms,
    words = c.words + excluded.words,
    word_pieces = c.word_pieces + excluded.word_pieces;
  -- A language that left the collection is not asked about any more.
  DELETE FROM collection_languages
  WHERE collection_id = p_collection AND passages = 0
    AND language IN (SELECT language FROM version_languages WHERE version_id = ANY (p_removed));
END
$$;
--> statement-breakpoint
-- The flip. Returns what happened: 'added', 'replaced', 'unchanged' (another run published the same bytes first;
-- this version is dropped), or 'gone' (the document, its collection or the version was deleted meanwhile).
CREATE FUNCTION publish_version(p_version bigint, p_source text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  own document_versions%ROWTYPE;
  document documents%ROWTYPE;
BEGIN
  -- Locks are taken in one order everywhere: collection, document, statistics.
  PERFORM 1 FROM collections
  WHERE id = (SELECT d.collection_id FROM documents d JOIN document_versions v ON v.document_id = d.id WHERE v.id = p_version)
  FOR KEY SHARE;
  SELECT d.* INTO document FROM documents d
  WHERE d.id = (SELECT v.document_id FROM document_versions v WHERE v.id = p_version) FOR UPDATE;
  IF NOT FOUND THEN RETURN 'gone'; END IF;
  SELECT * INTO own FROM document_versions WHERE id = p_version AND run_id IS NOT NULL;
  IF NOT FOUND THEN RETURN 'gone'; END IF;

  IF EXISTS (
    SELECT FROM document_versions
    WHERE id = document.version_id AND content_hash = own.content_hash AND pipeline = own.pipeline
  ) THEN
    DELETE FROM document_versions WHERE id = p_version;
    RETURN 'unchanged';
  END IF;

  PERFORM count_languages(document.collection_id, ARRAY[p_version], ARRAY[document.version_id]);
  UPDATE document_versions
  SET run_id = NULL, passages = (SELECT count(*) FROM passages WHERE version_id = p_version)
  WHERE id = p_version;
  UPDATE documents SET version_id = p_version, source = p_source, updated_at = now() WHERE id = document.id;
  IF document.version_id IS NULL THEN RETURN 'added'; END IF;
  DELETE FROM document_versions WHERE id = document.version_id;
  RETURN 'replaced';
END
$$;
--> statement-breakpoint
-- Deletes documents with all that belongs to them, statistics included; returns how many were there to be seen.
CREATE FUNCTION delete_documents(p_documents uuid[]) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  visible integer := 0;
  part record;
BEGIN
  PERFORM 1 FROM collections WHERE id IN (SELECT collection_id FROM documents WHERE id = ANY (p_documents))
  ORDER BY id FOR KEY SHARE;
  PERFORM 1 FROM documents WHERE id = ANY (p_documents) ORDER BY id FOR UPDATE;
  FOR part IN
    SELECT collection_id, array_agg(version_id) AS versions FROM documents
    WHERE id = ANY (p_documents) AND version_id IS NOT NULL GROUP BY collection_id ORDER BY collection_id
  LOOP
    PERFORM count_languages(part.collection_id, '{}', part.versions);
    visible := visible + cardinality(part.versions);
  END LOOP;
  DELETE FROM documents WHERE id = ANY (p_documents);
  RETURN visible;
END
$$;
--> statement-breakpoint
-- Removes documents that were never published and have no version in the making. A writer that begins a version
-- holds its document's row: such a row is skipped, and one whose version stands by the time of the DELETE stays.
CREATE FUNCTION sweep_documents() RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  candidates uuid[];
  swept integer;
BEGIN
  SELECT array_agg(id) INTO candidates FROM (
    SELECT d.id FROM documents d
    WHERE d.version_id IS NULL AND NOT EXISTS (SELECT FROM document_versions v WHERE v.document_id = d.id)
    FOR UPDATE SKIP LOCKED
  ) AS abandoned;
  DELETE FROM documents d
  WHERE d.id = ANY (candidates) AND d.version_id IS NULL
    AND NOT EXISTS (SELECT FROM document_versions v WHERE v.document_id = d.id);
  GET DIAGNOSTICS swept = ROW_COUNT;
  RETURN swept;
END
$$;
