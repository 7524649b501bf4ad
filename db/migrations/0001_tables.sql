CREATE TABLE "collection_languages" (
	"collection_id" integer NOT NULL,
	"language" text NOT NULL,
	"passages" bigint NOT NULL,
	"terms" bigint NOT NULL,
	"words" bigint NOT NULL,
	"word_pieces" bigint NOT NULL,
	CONSTRAINT "collection_languages_collection_id_language_pk" PRIMARY KEY("collection_id","language")
);
--> statement-breakpoint
CREATE TABLE "collections" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "collections_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "collections_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "document_versions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "document_versions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"document_id" uuid NOT NULL,
	"run_id" uuid,
	"content_hash" "bytea" NOT NULL,
	"pipeline" integer NOT NULL,
	"media_type" text NOT NULL,
	"title" text NOT NULL,
	"language" text NOT NULL,
	"bytes" bigint NOT NULL,
	"text" text NOT NULL,
	"length" integer NOT NULL,
	"passages" integer DEFAULT 0 NOT NULL,
	"warnings" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "documents" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"collection_id" integer NOT NULL,
	"origin" text NOT NULL,
	"place" text NOT NULL,
	"place_hash" "bytea" NOT NULL,
	"source" text NOT NULL,
	"version_id" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "embedding_spaces" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "embedding_spaces_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"model" text NOT NULL,
	"revision" text NOT NULL,
	"dimensions" integer NOT NULL,
	"token_limit" integer NOT NULL,
	"active" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ingest_runs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"heartbeat_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "job_lines" (
	"job_id" uuid NOT NULL,
	"n" integer NOT NULL,
	"line" jsonb NOT NULL,
	CONSTRAINT "job_lines_job_id_n_pk" PRIMARY KEY("job_id","n")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"collection" text NOT NULL,
	"kind" text NOT NULL,
	"inputs" jsonb NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"reason" text,
	"total" integer,
	"totals" jsonb,
	"owner" text,
	"heartbeat_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "passage_vectors" (
	"space_id" integer NOT NULL,
	"passage_id" bigint NOT NULL,
	"version_id" bigint NOT NULL,
	"collection_id" integer NOT NULL,
	"input_hash" "bytea" NOT NULL,
	"embedding" halfvec NOT NULL,
	"signs" bit varying GENERATED ALWAYS AS (binary_quantize(embedding)) STORED NOT NULL,
	CONSTRAINT "passage_vectors_space_id_passage_id_pk" PRIMARY KEY("space_id","passage_id")
);
--> statement-breakpoint
CREATE TABLE "passages" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "passages_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"version_id" bigint NOT NULL,
	"ordinal" integer NOT NULL,
	"text" text NOT NULL,
	"start_offset" integer NOT NULL,
	"end_offset" integer NOT NULL,
	"page" integer,
	"heading" text[] DEFAULT '{}' NOT NULL,
	"language" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "postings" (
	"term" text NOT NULL,
	"language" text NOT NULL,
	"version_id" bigint NOT NULL,
	"collection_id" integer NOT NULL,
	"passage_ids" bigint[] NOT NULL,
	"frequencies" smallint[] NOT NULL,
	"lengths" integer[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "version_languages" (
	"version_id" bigint NOT NULL,
	"language" text NOT NULL,
	"passages" integer NOT NULL,
	"terms" bigint NOT NULL,
	"words" bigint NOT NULL,
	"word_pieces" bigint NOT NULL,
	CONSTRAINT "version_languages_version_id_language_pk" PRIMARY KEY("version_id","language")
);
--> statement-breakpoint
ALTER TABLE "collection_languages" ADD CONSTRAINT "collection_languages_collection_id_collections_id_fk" FOREIGN KEY ("collection_id") REFERENCES "public"."collections"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_versions" ADD CONSTRAINT "document_versions_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "documents" ADD CONSTRAINT "documents_collection_id_collections_id_fk" FOREIGN KEY ("collection_id") REFERENCES "public"."collections"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_lines" ADD CONSTRAINT "job_lines_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passage_vectors" ADD CONSTRAINT "passage_vectors_space_id_embedding_spaces_id_fk" FOREIGN KEY ("space_id") REFERENCES "public"."embedding_spaces"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passage_vectors" ADD CONSTRAINT "passage_vectors_passage_id_passages_id_fk" FOREIGN KEY ("passage_id") REFERENCES "public"."passages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passage_vectors" ADD CONSTRAINT "passage_vectors_version_id_document_versions_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."document_versions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passages" ADD CONSTRAINT "passages_version_id_document_versions_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."document_versions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "postings" ADD CONSTRAINT "postings_version_id_document_versions_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."document_versions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "version_languages" ADD CONSTRAINT "version_languages_version_id_document_versions_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."document_versions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "document_versions_document" ON "document_versions" USING btree ("document_id");--> statement-breakpoint
CREATE INDEX "document_versions_unpublished" ON "document_versions" USING btree ("run_id","id") WHERE "document_versions"."run_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "documents_place" ON "documents" USING btree ("collection_id","place_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "documents_version" ON "documents" USING btree ("version_id");--> statement-breakpoint
CREATE INDEX "documents_listing" ON "documents" USING btree ("collection_id","created_at","id");--> statement-breakpoint
CREATE INDEX "documents_newest" ON "documents" USING btree ("created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "embedding_spaces_model" ON "embedding_spaces" USING btree ("model","revision");--> statement-breakpoint
CREATE UNIQUE INDEX "embedding_spaces_one_active" ON "embedding_spaces" USING btree ("active") WHERE "embedding_spaces"."active";--> statement-breakpoint
CREATE INDEX "jobs_state" ON "jobs" USING btree ("state","created_at");--> statement-breakpoint
CREATE INDEX "passage_vectors_input" ON "passage_vectors" USING btree ("space_id","input_hash");--> statement-breakpoint
CREATE INDEX "passage_vectors_version" ON "passage_vectors" USING btree ("version_id");--> statement-breakpoint
CREATE INDEX "passage_vectors_collection" ON "passage_vectors" USING btree ("space_id","collection_id");--> statement-breakpoint
CREATE INDEX "passage_vectors_passage" ON "passage_vectors" USING btree ("passage_id");--> statement-breakpoint
CREATE UNIQUE INDEX "passages_order" ON "passages" USING btree ("version_id","ordinal");--> statement-breakpoint
CREATE INDEX "postings_term" ON "postings" USING btree ("term","language");--> statement-breakpoint
CREATE INDEX "postings_version" ON "postings" USING btree ("version_id");