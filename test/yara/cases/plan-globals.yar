global private rule small {
  condition:
    filesize < 100KB
}

global rule marked {
  strings:
    $a = "the mark of all"
  condition:
    $a
}

rule plain {
  strings:
    $a = "a plain string"
  condition:
    $a
}
