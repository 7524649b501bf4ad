CREATE TABLE "ingest_failures" (
	"collection_id" integer NOT NULL,
	"origin" text NOT NULL,
	"place" text NOT NULL,
	"place_hash" "bytea" NOT NULL,
	"source" text NOT NULL,
	"path" text NOT NULL,
	"reason" text NOT NULL,
	"job_id" uuid,
	"failed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ingest_failures_collection_id_place_hash_pk" PRIMARY KEY("collection_id","place_hash")
);
--> statement-breakpoint
ALTER TABLE "document_versions" ADD COLUMN "metadata" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest_failures" ADD CONSTRAINT "ingest_failures_collection_id_collections_id_fk" FOREIGN KEY ("collection_id") REFERENCES "public"."collections"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ingest_failures" ADD CONSTRAINT "ingest_failures_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ingest_failures_job" ON "ingest_failures" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "document_versions_content" ON "document_versions" USING btree ("content_hash");--> statement-breakpoint
-- A file that was moved: its document takes the new place and keeps its id, its version and all that is made of it.
-- False when the document is not as it was found, or the new place has a document by now: then nothing is changed.
CREATE FUNCTION move_document(
  p_document uuid, p_version bigint, p_from bytea, p_place text, p_place_hash bytea, p_source text, p_title text
) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE documents
  SET place = p_place, place_hash = p_place_hash, source = p_source, updated_at = now()
  WHERE id = p_document AND version_id = p_version AND place_hash = p_from;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE document_versions SET title = p_title WHERE id = p_version AND title <> p_title;
  RETURN true;
EXCEPTION WHEN unique_violation THEN
  RETURN false;
END
$$;
