import { HAS_MARIADB, MariaDb } from "../_mariadb.ts";
import { testCallServer } from "./_call_server.ts";

testCallServer({
  name: "MariaDB",
  scheme: "mysql",
  ignore: !HAS_MARIADB,
  start: () => MariaDb.start(),
});
