CREATE TABLE "answer_hours" (
	"hour" timestamp with time zone NOT NULL,
	"rung" text NOT NULL,
	"requests" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"prompt_tokens" bigint NOT NULL,
	"completion_tokens" bigint NOT NULL,
	"milliseconds" bigint NOT NULL,
	CONSTRAINT "answer_hours_hour_rung_pk" PRIMARY KEY("hour","rung")
);
--> statement-breakpoint
CREATE TABLE "conversation_messages" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "conversation_messages_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"session" text NOT NULL,
	"role" text NOT NULL,
	"content" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "conversation_messages_session" ON "conversation_messages" USING btree ("session","id");--> statement-breakpoint
CREATE INDEX "conversation_messages_age" ON "conversation_messages" USING btree ("created_at");