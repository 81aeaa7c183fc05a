// before
import /* between */ "pe" // after
/* a ** b */ rule /* x */ a /***/ : /* y */ t /* z */ { // open
  meta: // m
    key /* k */ = /* v */ "value" // end
  strings: /* s */
    $a /* id */ = /* = */ "/* not a comment */" /* mod */ wide // w
    $h = { 4D /* in hex */ 5A // to the end of the line
           ( 01 /* one */ | 02 ) }
  condition: /* c */
    $a /* and */ and /* or */ $h // "quote" in a comment
}
