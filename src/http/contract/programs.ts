/** What a program is made of, on the wire. */
import { Type } from 'typebox'
import { Time } from './times.ts'

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T, description?: string) =>
  Type.Union([type, Type.Null()], description === undefined ? {} : { description })

const listed = <T extends Parameters<typeof Type.Array>[0]>(of: T, most: number, what: string) =>
  orNull(
    Type.Object({ count: Type.Integer({ description: 'how many there are' }), first: Type.Array(of) }),
    `${what}, at most ${most}; null where it is not known`,
  )

export const ProgramShape = Type.Object({
  format: Type.Enum(['PE32', 'PE32+', 'ELF32', 'ELF64', 'Mach-O 32', 'Mach-O 64', 'Mach-O universal']),
  machines: Type.Array(Type.String(), { description: 'processors; more than one in a universal binary' }),
  compiled: orNull(Time, 'as the header says'),
  reproducible: Type.Boolean({ description: 'in place of the time of compiling stands a hash of the program' }),
  entry: orNull(
    Type.Integer(),
    'the address where it begins: from the start of the image in a PE and a Mach-O, as it is in an ELF',
  ),
  subsystem: orNull(Type.String()),
  imphash: orNull(Type.String()),
  rich_hash: orNull(Type.String(), 'MD5 of the clear data of the Rich header'),
  sections: listed(
    Type.Object({
      name: Type.String(),
      size: Type.Integer({ description: 'in the file' }),
      virtual_size: Type.Integer({ description: 'in memory' }),
      entropy: orNull(Type.Number(), 'bits a byte, 0 to 8; of sections above 1 MB, of blocks that lie evenly in them'),
    }),
    64,
    'sections',
  ),
  imports: listed(
    Type.Object({ name: Type.String(), functions: orNull(Type.Integer(), 'null where the format does not say it') }),
    96,
    'libraries that it imports functions of',
  ),
  imported_functions: orNull(Type.Integer()),
  exports: listed(Type.String(), 96, 'names of functions that it exports; functions without a name are counted'),
  signers: orNull(
    Type.Array(
      Type.Object({
        subject: Type.String({ description: 'the common name' }),
        issuer: Type.String(),
        serial: Type.String({ description: 'as `pe.signatures[].serial`' }),
      }),
    ),
    'whose certificates it was signed with; whether a signature is valid is not looked at. Null where it is not known',
  ),
  version: Type.Array(Type.Object({ name: Type.String(), value: Type.String() }), {
    description: '`CompanyName` and the like',
  }),
  pdb: orNull(Type.String()),
  build_id: orNull(Type.String(), 'GUID and age of the PDB, build id of an ELF, UUID of a Mach-O'),
  overlay: orNull(
    Type.Object({ offset: Type.Integer(), size: Type.Integer() }),
    'what lies behind the last section of a PE',
  ),
  resources: listed(
    Type.Object({ type: Type.String(), count: Type.Integer(), bytes: Type.Integer() }),
    48,
    'kinds of resources; `count` is of resources',
  ),
  dotnet: orNull(Type.Object({ version: Type.String(), module: orNull(Type.String()), mvid: orNull(Type.String()) })),
})
