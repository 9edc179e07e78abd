"""The Google Ads Query Language: text in, a parsed query out, or the error that Google gives.

The grammar is the published one, without the functions and REGEXP_MATCH. What does not belong here: which fields
exist (`fields`) and what a query yields (`results`).
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"""
    r"""|(?P<word>[A-Za-z_][\w.]*)|(?P<symbol>!=|>=|<=|[=<>(),]))"""
)
_SYMBOLS = frozenset({"=", "!=", ">", ">=", "<", "<="})
_WORDS = frozenset({"IN", "NOT IN", "LIKE", "NOT LIKE", "IS NULL", "IS NOT NULL", "DURING", "BETWEEN"})


class QueryError(Exception):
    """What is wrong with a query: `family` and `reason` are Google's names for it."""

    def __init__(self, reason: str, message: str, family: str = "queryError") -> None:
        super().__init__(message)
        self.reason = reason
        self.family = family


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`order` holds (field, is descending). `limit` is None where there is none."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    limit: int | None


def parse(text: str) -> ParsedQuery:
    """Raises QueryError as Google would."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise QueryError("BAD_SYMBOL", f"Error in query: unexpected input {text[position : position + 20]}.")
            kind = str(match.lastgroup)
            self._tokens.append((kind, match.group(kind)))
            position = match.end()
        self._at = 0

    def query(self) -> ParsedQuery:
        self._expect("SELECT", "EXPECTED_SELECT")
        fields = self._list_of_fields()
        self._expect("FROM", "EXPECTED_FROM")
        resource = self._word("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE")
        conditions: list[Condition] = []
        if self._accept("WHERE"):
            conditions.append(self._condition())
            while self._accept("AND"):
                conditions.append(self._condition())
        order: list[tuple[str, bool]] = []
        if self._accept("ORDER"):
            self._expect("BY", "EXPECTED_BY")
            order.append(self._ordering())
            while self._accept(","):
                order.append(self._ordering())
        limit = self._limit() if self._accept("LIMIT") else None
        if self._accept("PARAMETERS"):
            self._parameters()
        if self._at < len(self._tokens):
            raise QueryError("UNEXPECTED_INPUT", f"Error in query: unexpected input {self._tokens[self._at][1]}.")
        return ParsedQuery(fields, resource, tuple(conditions), tuple(order), limit)

    def _list_of_fields(self) -> tuple[str, ...]:
        fields = [self._word("BAD_FIELD_NAME")]
        while self._accept(","):
            fields.append(self._word("BAD_FIELD_NAME"))
        return tuple(fields)

    def _ordering(self) -> tuple[str, bool]:
        field = self._word("BAD_FIELD_NAME")
        if self._accept("DESC"):
            return field, True
        self._accept("ASC")
        return field, False

    def _limit(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdigit() or int(text) == 0:
            raise QueryError("BAD_LIMIT_VALUE", f"Error in LIMIT clause: invalid value {text}.")
        return int(text)

    def _parameters(self) -> None:
        while True:
            name = self._word("BAD_PARAMETER_NAME")
            self._expect("=", "BAD_PARAMETER_VALUE")
            if name not in ("include_drafts", "omit_unselected_resource_names"):
                raise QueryError("BAD_PARAMETER_NAME", f"Error in PARAMETERS clause: invalid parameter {name}.")
            if self._next()[1] not in ("true", "false"):
                raise QueryError("BAD_PARAMETER_VALUE", f"Error in PARAMETERS clause: bad value of {name}.")
            if not self._accept(","):
                return

    def _condition(self) -> Condition:
        field = self._word("BAD_FIELD_NAME")
        operator = self._operator()
        if operator in ("IS NULL", "IS NOT NULL"):
            return Condition(field, operator, ())
        if operator == "BETWEEN":
            first = self._value()
            self._expect("AND", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
            return Condition(field, operator, (first, self._value()))
        if operator in ("IN", "NOT IN"):
            self._expect("(", "EXPECTED_LIST")
            values = [self._value()]
            while self._accept(","):
                values.append(self._value())
            self._expect(")", "EXPECTED_LIST")
            return Condition(field, operator, tuple(values))
        if self._accept("("):
            raise QueryError("EXPECTED_SINGLE_VALUE", f"Error in WHERE clause: one value expected for {field}.")
        return Condition(field, operator, (self._value(),))

    def _operator(self) -> str:
        kind, text = self._next()
        if kind == "symbol" and text in _SYMBOLS:
            return text
        name = text.upper()
        if name == "NOT":
            name = f"NOT {self._next()[1].upper()}"
        elif name == "IS":
            name = "IS NOT NULL" if self._accept("NOT") else "IS NULL"
            self._expect("NULL", "BAD_OPERATOR")
        if name not in _WORDS:
            raise QueryError("BAD_OPERATOR", f"Error in WHERE clause: invalid operator {text}.")
        return name

    def _value(self) -> str:
        kind, text = self._next()
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "symbol":
            raise QueryError("BAD_VALUE", f"Error in WHERE clause: invalid value {text}.")
        return text

    def _word(self, reason: str) -> str:
        kind, text = self._next()
        if kind != "word":
            raise QueryError(reason, f"Error in query: a name was expected where {text} stands.")
        return text

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise QueryError("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, keyword: str) -> bool:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind != "string" and text.upper() == keyword:
                self._at += 1
                return True
        return False

    def _expect(self, keyword: str, reason: str) -> None:
        if not self._accept(keyword):
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"
            raise QueryError(reason, f"Error in query: {keyword} was expected where {found} stands.")
