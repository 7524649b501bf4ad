-- halfvec, its distance and its HNSW index come from pgvector.
CREATE EXTENSION IF NOT EXISTS vector;
