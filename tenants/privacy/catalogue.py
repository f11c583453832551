"""What a whole tenant consists of, read from the database's catalogue: no table is forgotten."""

from graphlib import TopologicalSorter
from hashlib import sha256

import msgspec

from passerelle.kernel.database import TenantRead

#: What stays in the installation: exports under way, what is derived anew (`projections`), and the
#: tokens of directories, which know this installation's address.
STAYS = frozenset({"tenant_export", "candidate_vector", "scim_token"})
#: Filled in by a trigger when rows of another table arrive; no foreign key says so.
FILLED_FROM = {"audit_pending": "tenant_event", "member_word": "member"}


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str


class Table(msgspec.Struct, frozen=True):
    """A table of tenants' rows. `owner` is the column that names the tenant."""

    name: str
    owner: str
    columns: list[Column]
    key: list[str]
    # The column that names the row above it in the same table, and the column that it names.
    above: list[str] | None


class _Reference(msgspec.Struct, frozen=True):
    child: str
    parent: str
    column: str
    parent_column: str
    parent_carried: bool


TABLES = """
select class.relname as name,
  case class.relname when 'tenant' then 'id' else 'tenant_id' end as owner,
  (select jsonb_agg(jsonb_build_object('name', attribute.attname,
      'type', format_type(attribute.atttypid, attribute.atttypmod)) order by attribute.attnum)
   from pg_attribute attribute where attribute.attrelid = class.oid and attribute.attnum > 0
     and not attribute.attisdropped and attribute.attgenerated = '') as columns,
  (select jsonb_agg(attribute.attname order by array_position(key.indkey::int2[], attribute.attnum))
   from pg_index key join pg_attribute attribute on attribute.attrelid = class.oid
     and attribute.attnum = any (key.indkey)
   where key.indrelid = class.oid and key.indisprimary) as key,
  (select jsonb_build_array(child.attname, parent.attname) from pg_constraint reference
   join pg_attribute child on child.attrelid = class.oid
     and child.attnum = reference.conkey[cardinality(reference.conkey)]
   join pg_attribute parent on parent.attrelid = class.oid
     and parent.attnum = reference.confkey[cardinality(reference.confkey)]
   where reference.contype = 'f' and reference.conrelid = class.oid
     and reference.confrelid = class.oid limit 1) as above
from pg_class class
where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p')
  and exists (select from pg_policy where polrelid = class.oid and polname = 'of_carrier')
  and $1::uuid is not null
order by class.relname
"""

REFERENCES = """
select child.relname as child, parent.relname as parent, own.attname as column,
  theirs.attname as parent_column,
  exists (select from pg_policy where polrelid = parent.oid and polname = 'of_carrier')
    as parent_carried
from pg_constraint reference
join pg_class child on child.oid = reference.conrelid
join pg_class parent on parent.oid = reference.confrelid
join pg_attribute own on own.attrelid = child.oid
  and own.attnum = reference.conkey[cardinality(reference.conkey)]
join pg_attribute theirs on theirs.attrelid = parent.oid
  and theirs.attnum = reference.confkey[cardinality(reference.confkey)]
where reference.contype = 'f' and child.relnamespace = 'public'::regnamespace
  and $1::uuid is not null
"""


class Catalogue(msgspec.Struct, frozen=True):
    """The tables in the order in which they can be filled."""

    tables: list[Table]
    # (table, column, reference table, its column): what nobody owns and rows refer to.
    needs: list[tuple[str, str, str, str]]

    @property
    def fingerprint(self) -> str:
        """The same where the same tables have the same columns."""
        described = [(t.name, [(c.name, c.type) for c in t.columns]) for t in self.by_name]
        return sha256(msgspec.json.encode(described)).hexdigest()

    @property
    def by_name(self) -> list[Table]:
        return sorted(self.tables, key=lambda table: table.name)


async def read_catalogue(read: TenantRead) -> Catalogue:
    tables = {
        table.name: table
        for table in await read.fetch(Table, TABLES, read.tenant_id)
        if table.name not in STAYS
    }
    references = await read.fetch(_Reference, REFERENCES, read.tenant_id)
    order: TopologicalSorter[str] = TopologicalSorter({name: set() for name in sorted(tables)})
    needs = set()
    for one in references:
        if one.child not in tables or one.child == one.parent:
            continue
        if one.parent in tables:
            order.add(one.child, one.parent)
        elif not one.parent_carried:
            needs.add((one.child, one.column, one.parent, one.parent_column))
    for filled, source in FILLED_FROM.items():
        order.add(filled, source)
    return Catalogue([tables[name] for name in order.static_order()], sorted(needs))
