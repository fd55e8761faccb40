import { HAS_MARIADB, MariaDb } from "../_mariadb.ts";
import { testProcesses } from "./_process_tests.ts";

testProcesses("MariaDB", { ignore: !HAS_MARIADB, start: () => MariaDb.start(), callers: 4 });
