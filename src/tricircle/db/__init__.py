"""The top's own database: tables, migrations, and the way to them."""
