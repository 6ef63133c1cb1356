"""MariaDB and MySQL, on servers of the tests' own. PyMySQL stands in for MySQLdb, which would need a compiler."""

import pymysql

pymysql.install_as_MySQLdb()
