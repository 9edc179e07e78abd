"""The part of the Google Ads Query Language that the connector uses: SELECT, FROM, and WHERE with =, != and BETWEEN.

A wrong query gets the error that Google gives for it. A correct query with another operator or clause is refused as one
that the sandbox does not answer. What does not belong here: which fields exist (`fields`) and which of them a query may
read (`query`).
"""

import re
from dataclasses import dataclass

from sandbox.exchange import unanswered

_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?[\w.]+|!=|>=|<=|[=<>(),]""")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_OPERATORS = frozenset({"=", "!=", ">", ">=", "<", "<=", "BETWEEN", "DURING", "LIKE"})
_UNANSWERED = frozenset({"IN", "IS", "NOT"})
_PARAMETERS = frozenset({"include_drafts", "omit_unselected_resource_names"})


class QueryError(Exception):
    """The mistake in a query. `family` and `reason` are Google's names for it."""

    def __init__(self, reason: str, message: str, family: str = "queryError") -> None:
        super().__init__(message)
        self.reason = reason
        self.family = family


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the WHERE clause. `operator` is in upper case; only BETWEEN has two values."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...]


def parse(text: str) -> ParsedQuery:
    """Raises QueryError with Google's reason, and RefusedError for what the sandbox does not answer."""
    unknown = _TOKEN.sub("", text).strip()
    if unknown:
        raise QueryError("BAD_SYMBOL", f"Error in query: unexpected input {unknown[:20]}.")
    return _Parser(_TOKEN.findall(text)).query()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> ParsedQuery:
        self._expect("SELECT", "EXPECTED_SELECT")
        fields = [self._word("BAD_FIELD_NAME")]
        while self._accept(","):
            fields.append(self._word("BAD_FIELD_NAME"))
        self._expect("FROM", "EXPECTED_FROM")
        resource = self._word("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE")
        conditions: list[Condition] = []
        if self._accept("WHERE"):
            conditions.append(self._condition())
            while self._accept("AND"):
                conditions.append(self._condition())
        if self._at < len(self._tokens):
            self._refuse_rest(fields, resource)
        return ParsedQuery(tuple(fields), resource, tuple(conditions))

    def _refuse_rest(self, fields: list[str], resource: str) -> None:
        clause = self._next()
        if clause.upper() == "ORDER":
            self._expect("BY", "EXPECTED_BY")
            field = self._word("BAD_FIELD_NAME")
            if field not in fields and field.split(".")[0] != resource:
                reason = "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"
                raise QueryError(reason, f"{field} must be selected to be ordered by.")
        elif clause.upper() == "LIMIT":
            limit = self._next()
            if not limit.isdigit() or int(limit) == 0:
                raise QueryError("BAD_LIMIT_VALUE", f"Error in LIMIT clause: invalid value {limit}.")
        elif clause.upper() == "PARAMETERS":
            name = self._word("BAD_PARAMETER_NAME")
            if name not in _PARAMETERS:
                raise QueryError("BAD_PARAMETER_NAME", f"Error in PARAMETERS clause: invalid parameter {name}.")
        else:
            raise QueryError("UNEXPECTED_INPUT", f"Error in query: unexpected input {clause}.")
        raise unanswered(f"queries with {clause}")

    def _condition(self) -> Condition:
        field = self._word("BAD_FIELD_NAME")
        operator = self._next().upper()
        if operator in _UNANSWERED:
            if operator == "IN":
                self._expect("(", "EXPECTED_LIST")
            raise unanswered(f"queries with {operator}")
        if operator not in _OPERATORS:
            raise QueryError("BAD_OPERATOR", f"Error in WHERE clause: invalid operator {operator}.")
        if self._accept("("):
            raise QueryError("EXPECTED_SINGLE_VALUE", f"Error in WHERE clause: one value expected for {field}.")
        values = [self._value()]
        if operator == "BETWEEN":
            self._expect("AND", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
            values.append(self._value())
        return Condition(field, operator, tuple(values))

    def _value(self) -> str:
        token = self._next()
        return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[0] in "'\"" else token

    def _word(self, reason: str) -> str:
        token = self._next()
        if not _NAME.fullmatch(token):
            raise QueryError(reason, f"Error in query: a name was expected instead of {token}.")
        return token

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise QueryError("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, keyword: str) -> bool:
        accepted = self._at < len(self._tokens) and self._tokens[self._at].upper() == keyword
        self._at += accepted
        return accepted

    def _expect(self, keyword: str, reason: str) -> None:
        if not self._accept(keyword):
            token = self._tokens[self._at] if self._at < len(self._tokens) else "the end"
            raise QueryError(reason, f"Error in query: {keyword} was expected instead of {token}.")
