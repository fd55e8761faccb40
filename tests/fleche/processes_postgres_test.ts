import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { testProcesses } from "./_process_tests.ts";

testProcesses("PostgreSQL", { ignore: !HAS_POSTGRES, start: () => Postgres.start(), callers: 8 });
