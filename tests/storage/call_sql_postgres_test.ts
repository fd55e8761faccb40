import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { testCallServer } from "./_call_server.ts";

testCallServer({
  name: "PostgreSQL",
  scheme: "postgresql",
  ignore: !HAS_POSTGRES,
  start: () => Postgres.start(),
});
