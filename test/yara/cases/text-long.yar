rule a {
  meta: description = """two
lines"""
  strings: $a = """first
second\tthird"""
  condition: $a
}
