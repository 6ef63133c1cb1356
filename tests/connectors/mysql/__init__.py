"""MariaDB, on a server of the tests' own. PyMySQL stands in for MySQLdb, which would need a compiler."""

import pymysql

pymysql.install_as_MySQLdb()
