rule wide_forms {
  strings:
    $long = "a long text of wide characters" wide
    $brief = "wide" wide
    $two = "ab" wide
    $one = "a" wide
    $both = "either form" wide ascii
  condition:
    $long and $brief and $two and $one and $both
}
